import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graph.settings import Settings
from graph.store.ledger import Ledger
from ingest.pipeline import ingest
from ingest.resolve.blocking import block, side
from ingest.resolve.compare import compare
from ingest.resolve.resolve import match, resolve
from ingest.resolve.weights import ResolveError, load_weights

WEIGHTS = load_weights()
#: Names of listed companies, kept beside the repository and not in it.
ALIASES = Path(__file__).parents[4] / "shared" / "data" / "names" / "company_aliases_dev.csv"


def facts(rows: dict[str, dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"id": id, "field": "name" if field == "alias" else field, "value": value}
            for id, fields in rows.items()
            for field, value in fields.items()
        ],
        schema={"id": pl.String, "field": pl.String, "value": pl.String},
    )


def judged(rows: dict[str, dict[str, Any]], kind: str = "Enterprise") -> dict[tuple[str, str], str]:
    party = side(kind, facts(rows), ordered=kind == "Enterprise")
    proposals = match(party, party, WEIGHTS).proposals
    return {(row["left_id"], row["right_id"]): row["judgement"] for row in proposals.to_dicts()}


def test_a_shared_identifier_decides_and_a_contradiction_asks() -> None:
    found = judged(
        {
            "a": {"name": "大洋贸易有限公司", "uscc": "X1"},
            "b": {"name": "远洋航运有限公司", "uscc": "X1"},
            "c": {"name": "海天物流有限公司", "customs_code": "C1", "uscc": "X3"},
            "d": {"name": "东方粮油有限公司", "customs_code": "C1", "uscc": "X4"},
        }
    )
    assert found == {("a", "b"): "positive", ("c", "d"): "unsure"}


def test_planted_variants_are_found_and_strangers_are_not() -> None:
    china, abroad = {"country": "CN"}, {"country": "DE"}
    found = judged(
        {
            "a1": {"name": "深圳市華為技術有限公司", **china},
            "a2": {"name": "深圳市华为技术有限公司", **china},
            "a3": {
                "name": "Shenzhenshi Huawei Jishu Co., Ltd.",
                "alias": "x",
                **china,
                "phone": "1",
            },
            "b1": {"name": "Nordsee Reederei GmbH", **abroad},
            "b2": {"name": "NORDSEE REEDEREI", **abroad},
            "b3": {"name": "Nordsee Reederei Trading GmbH", "country": "AT"},
            "b4": {"name": "Nordsee Fischerei GmbH", **abroad},
            "b5": {"name": "Nordsee Reederei AG", **abroad},
            "b6": {"name": "Nordsea Reederei GmbH", **abroad},
            "c1": {"name": "Ocean Fund II LP", **abroad},
            "c2": {"name": "Ocean Fund III LP", **abroad},
            "d1": {"name": "上海大洋贸易有限公司", "uscc": "1", **china},
            "d2": {"name": "上海大洋贸易有限公司", "uscc": "2", **china},
            "e1": {"name": "Nordsee Reederei GmbH", "country": "NL"},
        }
    )
    assert set(found) == {("a1", "a2"), ("b1", "b2"), ("b2", "b5")}
    assert set(found.values()) == {"unsure"}


def test_the_same_telephone_number_tips_the_scale() -> None:
    rows = {
        "b1": {"name": "上海大洋贸易有限公司", "country": "CN", "phone": "2"},
        "b2": {"name": "大洋进出口有限公司", "country": "CN", "phone": "2"},
        "b3": {"name": "广东大洋贸易有限公司", "country": "CN", "phone": "3"},
        "x": {"name": "海天物流有限公司", "country": "CN", "phone": "2"},
    }
    assert judged(rows) == {("b1", "b2"): "unsure"}


def test_persons_need_more_than_a_name() -> None:
    rows = {
        "p": {"name": "王伟", "birth_date": "1980-01-01"},
        "q": {"name": "王伟", "birth_date": "1980-01-01"},
        "r": {"name": "王伟", "birth_date": "1981-01-01"},
        "s": {"name": "王伟"},
    }
    assert judged(rows, "Person") == {("p", "q"): "unsure"}


def test_large_blocks_are_skipped_and_counted() -> None:
    party = side("Enterprise", facts({f"e{i}": {"name": f"甲{i}", "phone": "1"} for i in range(9)}))
    assert block(party, party, (), 9).pairs.height == 36
    found = block(party, party, (), 8)
    assert found.skipped >= 1 and found.pairs.height == 0


def test_derivations_say_what_spoke_for_it() -> None:
    party = side(
        "Enterprise",
        facts({"a": {"name": "Acme Ltd", "country": "DE"}, "b": {"name": "ACME", "country": "FR"}}),
    )
    pairs = block(party, party, (), 9).pairs
    (row,) = compare(pairs, party, party, WEIGHTS.Enterprise).to_dicts()
    assert row["derivation"] == "name 1.0, different country"


def test_wrong_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    bad = tmp_path / "weights.yml"
    bad.write_text("unsure: 2\n", encoding="utf-8")
    with pytest.raises(ResolveError, match=r"weights\.yml: unsure: ") as caught:
        load_weights(bad)
    assert "\n" not in str(caught.value)


TABLES = {
    "enterprises": "enterprise_id,name,country,uscc\n"
    "e1,深圳市華為技術有限公司,CN,\ne2,深圳市华为技术有限公司,CN,\n"
    "e3,Blue Sea Shipping Ltd,CY,\ne4,Sunny Grain Ltd,CY,\n",
    "persons": "person_id,name,birth_date,nationality\np1,John Smith,1970-05-05,CY\n",
    "list_entries": "entry_id,list,name,aliases,kind,country,listed_on\n"
    "l1,sdn,Something Else,BLUE SEA SHIPPING LIMITED;Other,enterprise,CY,2024-01-01\n"
    'l2,sdn,"SMITH, John",,person,CY,2024-01-01\n'
    "l3,sdn,Sunny Grain,,vessel,CY,2024-01-01\n",
}


def test_resolving_twice_changes_nothing_and_people_have_the_last_word(tmp_path: Path) -> None:
    settings, folder = Settings(home=tmp_path / "home"), tmp_path / "tables"
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    ingest("tables", folder, settings, recorded_at=date(2026, 1, 1))
    first = resolve(settings)
    assert (first.positive, first.unsure, first.listed, first.added) == (0, 1, 2, 3)
    with Ledger(settings) as ledger:
        listed = ledger.judgements("ListEntry").to_pylist()
        assert [(row["left_kind"], row["left_id"], row["right_id"]) for row in listed] == [
            ("Enterprise", "e3", "l1"), ("Person", "p1", "l2"),
        ]  # fmt: skip
        ledger.judge(("Enterprise", "e1"), ("Enterprise", "e2"), "negative", user="li")
    again = resolve(settings)
    assert (again.added, again.retired, again.left) == (0, 0, 1)
    with Ledger(settings) as ledger:
        (row,) = ledger.judgements("Enterprise").to_pylist()
    assert (row["judgement"], row["user"]) == ("negative", "li")


def test_a_judgement_is_as_secret_as_what_is_told_of_the_parties(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    open_firms = "\n".join(f"{id},{id} Trading,CN,,," for id in "abcdef")
    told = {
        "PUBLIC": open_firms + "\ng,g Trading,CN,3101910007,,\nh,h Trading,CN,3101910007,,",
        "RESTRICTED": "a,a Trading,CN,3101910001,,2021-01-01\nb,b Trading,CN,3101910001,,2021-01-01",
        "SECRET": "c,c Trading,CN,3101910003,,2022-01-01\nb,b Trading,CN,,5551234,2022-01-01",
    }
    for marking, rows in told.items():
        folder = tmp_path / marking
        folder.mkdir()
        text = f"enterprise_id,name,country,customs_code,phone,valid_from\n{rows}\n"
        (folder / "enterprises.csv").write_text(text, encoding="utf-8")
        (folder / "source.yml").write_text(f"marking: {marking}\n", encoding="utf-8")
        ingest("tables", folder, settings, recorded_at=date(2026, 1, 1))
    resolve(settings)
    with Ledger(settings) as ledger:
        rows = ledger.judgements("Enterprise").to_pylist()
    found = {(row["left_id"], row["right_id"]): row["marking"] for row in rows}
    assert found == {("a", "b"): "SECRET", ("g", "h"): "INTERNAL"}


@pytest.mark.skipif(not ALIASES.exists(), reason="the list of company aliases is not here")
@pytest.mark.parametrize(
    ("other", "precision", "recall"),
    [("cn_short_2026", 0.95, 0.6), ("en_name", 0.9, 0.2), ("cn_full_2021", 0.99, 0.99)],
)
def test_names_alone_recover_listed_companies(
    other: str, precision: float, recall: float, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pl.read_csv(ALIASES, infer_schema=False)
    named = table.filter(pl.col(other).fill_null("") != "")
    full, variants = (
        side("Enterprise", rows.select(id="code", field=pl.lit("name"), value=name))
        for rows, name in ((table, "cn_full_2021"), (named, other))
    )
    proposals = match(full, variants, WEIGHTS).proposals
    known = len(set(full.names["id"]) & set(variants.names["id"]))
    hits = int((proposals["left_id"] == proposals["right_id"]).sum())
    found = (hits / proposals.height, hits / known)
    with capsys.disabled():
        text = f"\n{other}: precision {found[0]:.3f}, recall {found[1]:.3f} of {known}\n"
        sys.stdout.write(text)
    assert found[0] >= precision and found[1] >= recall
