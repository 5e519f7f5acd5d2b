"""What commands write keeps to the clearance: exports, screening, the quarantine, the notebook."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hawser
from commands import exporting, scoring, screening, stages
from graph.errors import HawserError, NotFound
from graph.scores import ENTERPRISE_SCHEMA, MANIFEST, SHIPMENT_SCHEMA
from graph.settings import Settings
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from graph.store.ledger_records import GRADE_SCHEMA, GradingRun, RuleSet
from ingest.pipeline import ingest

DAY = date(2024, 6, 30)
FIRMS = "enterprise_id,name,country"
HOLDINGS = "source_id,target_id,type,share,recorded_at"
ENTRIES = "entry_id,list,kind,name,aliases"


def quiet(what: str, share: float) -> None:
    """No progress is shown."""


def deliver(folder: Path, settings: Settings, marking: str, **tables: Sequence[str]) -> None:
    folder = folder / marking
    folder.mkdir()
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ingest("tables", folder, settings, recorded_at=DAY, options={"marking": marking})


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder with a public and a secret delivery, a snapshot and scores of it."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, quarantine_share=0.9)
    deliver(
        tmp_path_factory.mktemp("in"), settings, "PUBLIC",
        enterprises=[FIRMS, "E1,Open Ltd,CN", "E2,Wide Ltd,CN", "E8,Nowhere Ltd,XX"],
        relations=[HOLDINGS, "E1,E2,SHAREHOLDER,0.1,2024-01-01"],
        list_entries=[ENTRIES, "L1,watch,enterprise,Open Trading,"],
    )  # fmt: skip
    deliver(
        tmp_path_factory.mktemp("in"), settings, "SECRET",
        enterprises=[FIRMS, "E3,Hush Ltd,CN", "E9,Covert Ltd,XX", "E7,Cloak Ltd,XY"],
        relations=[HOLDINGS, "E1,E2,SHAREHOLDER,0.6173,2024-05-17",
                   "E3,E2,SHAREHOLDER,0.2,2024-05-18"],
        list_entries=[ENTRIES, "L2,watch,enterprise,Hush Trading,Whisper Trading"],
    )  # fmt: skip
    built = stages.snapshot(settings, None, None, quiet)
    scored(settings, built["id"], "E2")
    graded(settings, built["id"])
    return settings


@pytest.fixture(scope="module")
def open_data(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder of PUBLIC statements alone, with a snapshot and scores of it."""
    settings = Settings(home=tmp_path_factory.mktemp("open"), clearance="PUBLIC")
    firms = [FIRMS, "E1,=1+1,CN", "../E2,@SUM(1),CN"]
    deliver(tmp_path_factory.mktemp("in"), settings, "PUBLIC", enterprises=firms)
    scored(settings, stages.snapshot(settings, None, None, quiet)["id"], "E1")
    return settings


def scored(settings: Settings, snapshot: str, enterprise: str) -> None:
    """Scores of the snapshot."""
    folder = settings.score_folder / snapshot
    folder.mkdir(parents=True)
    pq.write_table(SHIPMENT_SCHEMA.empty_table(), folder / "shipments.parquet")
    row = dict.fromkeys(ENTERPRISE_SCHEMA.names) | {"enterprise_id": enterprise, "probability": 0.5}
    pq.write_table(pa.Table.from_pylist([row], ENTERPRISE_SCHEMA), folder / "enterprises.parquet")
    (folder / MANIFEST).write_text(json.dumps({"snapshot": snapshot, "model": "m"}))


def graded(settings: Settings, snapshot: str) -> None:
    """Two gradings of the snapshot, of which the later one is in force."""
    rules = RuleSet("hash", "policy", "points: 1", {})
    with Ledger(settings) as ledger:
        for band, day in (("A", date(2024, 1, 1)), ("B", DAY)):
            moment = datetime(2024, 7, 1, tzinfo=UTC)
            run = GradingRun(band, "policy", "hash", snapshot, None, day, DAY, moment, moment, {})
            row = {"enterprise_id": "E2", "points": 1.0, "band": band, "reasons": "[]"}
            row |= {"probability": None, "valid_from": day}
            assert ledger.save_run(run, pa.Table.from_pylist([row], GRADE_SCHEMA), rules)


@pytest.fixture
def public(secret: Settings) -> Settings:
    return replace(secret, clearance="PUBLIC")


def everything(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())


def wanted(folder: Path, format: str, around: str | None = None) -> exporting.Wanted:
    return exporting.Wanted(folder, format, around, 2, None)


SECRETS = ("Hush", "E3", "L2", "0.6173", "2024-05-17", "2024-05-18", "Whisper")


@pytest.mark.parametrize(("format", "around"), [("csv", None), ("csv", "E2"), ("graphml", "E2")])
def test_an_export_keeps_to_the_clearance(
    secret: Settings, public: Settings, tmp_path: Path, format: str, around: str | None
) -> None:
    full = exporting.export(secret, wanted(tmp_path / "all", format, around), quiet)
    text = everything(tmp_path / "all")
    assert "Hush" in text and "0.6173" in text and full["withheld"] == []
    low = exporting.export(public, wanted(tmp_path / "low", format, around), quiet)
    text = everything(tmp_path / "low")
    assert [word for word in SECRETS if word in text] == []
    assert "Open Ltd" in text and low["redacted"]
    if around is None:
        assert low["redacted"]["nodes"] and low["redacted"]["properties"]
        assert low["withheld"] == ["grades", "scores_enterprises", "scores_shipments"]
        [grade] = csv.DictReader((tmp_path / "all" / "grades.csv").read_text("utf-8").splitlines())
        assert (grade["enterprise_id"], grade["band"]) == ("E2", "B")
        assert not (tmp_path / "low" / "grades.csv").exists()
        assert (tmp_path / "all" / "scores_enterprises.csv").exists()
        assert not (tmp_path / "low" / "scores_enterprises.csv").exists()
        ties = (tmp_path / "low" / "edges" / "OWNS.csv").read_text("utf-8")
        [tie] = csv.DictReader(ties.splitlines())
        assert (tie["source"], tie["target"]) == ("E1", "E2")
        assert {tie[name] for name in ("weight", "recorded_at", "record", "file", "row")} == {""}


@pytest.mark.parametrize("around", [None, "E2"])
def test_an_export_names_the_document_of_each_row(
    secret: Settings, tmp_path: Path, around: str | None
) -> None:
    exporting.export(secret, wanted(tmp_path, "csv", around), quiet)
    for name in ("nodes/Enterprise.csv", "edges/OWNS.csv") if around is None else (
        "nodes.csv", "edges.csv",
    ):  # fmt: skip
        rows = list(csv.DictReader((tmp_path / name).read_text("utf-8").splitlines()))
        assert rows and {row["file"] for row in rows if row["record"]} <= {
            "enterprises.csv", "relations.csv", "list_entries.csv",
        }  # fmt: skip
        assert all(row["row"] for row in rows if row["record"])


def test_documents_are_looked_up_for_any_table_and_kept_to_the_clearance(
    secret: Settings, public: Settings
) -> None:
    with Lake(secret) as lake:
        every = lake.records(columns=("record", "file", "row", "marking"))
    assert every.column_names == ["record", "file", "row", "marking"]
    asked = [*every["record"].to_pylist(), "nobody's", None]
    table = pa.table({"record": pa.array(asked)})
    for settings, shown in ((secret, ("PUBLIC", "SECRET")), (public, ("PUBLIC",))):
        told = exporting.Documents(settings)
        wanted = [
            (row["file"], row["row"]) if row["marking"] in shown else (None, None)
            for row in every.to_pylist()
        ]
        for turn in (1, -1):
            found = told.named(table.take(list(range(len(asked)))[::turn])).to_pylist()
            pairs = [(row["file"], row["row"]) for row in found]
            assert pairs == [*wanted, (None, None), (None, None)][::turn]
        assert told.named(pa.table({"id": ["E1"]})).column_names == ["id"]


def test_what_the_clearance_hides_is_not_the_middle_of_an_export(
    public: Settings, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="nothing in snapshot"):
        exporting.export(public, wanted(tmp_path / "out", "csv", "E3"), quiet)


def test_screening_compares_with_what_the_clearance_reaches(
    secret: Settings, public: Settings, tmp_path: Path
) -> None:
    names, out = tmp_path / "names.csv", tmp_path / "out.csv"
    names.write_text("name\nWhisper Trading\nOpen Trading\n", encoding="utf-8")
    full = screening.screen(secret, names, out, 5, None, quiet)
    assert (full["entries"], full["redacted"]) == (2, 0) and "L2" in out.read_text()
    low = screening.screen(public, names, out, 5, None, quiet)
    assert (low["entries"], low["redacted"]) == (1, 1)
    assert "L2" not in out.read_text() and "L1" in out.read_text()


def test_the_quarantine_keeps_to_the_clearance_and_its_order(
    secret: Settings, public: Settings
) -> None:
    def listed(settings: Settings, limit: int | None = None) -> dict[str, Any]:
        return stages.quarantine(settings, retry=False, limit=limit, progress=quiet)

    full = listed(secret)
    assert [(row["row"], row["value"]) for row in full["rows"]] == [(2, "XX"), (3, "XX"), (3, "XY")]
    assert full == listed(secret) and (full["total"], full["redacted"]) == (3, 0)
    low = listed(public, limit=5)
    assert [row["value"] for row in low["rows"]] == ["XX"]
    assert (low["total"], low["redacted"]) == (1, 2)


def test_a_retry_reads_what_the_clearance_reaches(tmp_path: Path) -> None:
    """Rows that the checks of their day refused, and those of today accept."""
    settings = Settings(home=tmp_path / "home", quarantine_share=1.0)
    for marking, id in (("PUBLIC", "E1"), ("SECRET", "E2")):
        deliver(tmp_path, settings, marking, enterprises=[FIRMS, f"{id},Firm Ltd,XX"])
    for file in (settings.lake_folder / "batches").glob("*/quarantine.parquet"):
        rows = pq.read_table(file)
        raw = pa.array([text.replace("XX", "CN") for text in rows["raw"].to_pylist()])
        at = rows.column_names.index("raw")
        pq.write_table(rows.set_column(at, rows.schema.field("raw"), raw), file)

    def retried(clearance: str) -> dict[str, Any]:
        cleared = replace(settings, clearance=clearance)
        return stages.quarantine(cleared, retry=True, limit=None, progress=quiet)

    low, high = retried("PUBLIC"), retried("SECRET")
    assert (low["retried"]["accepted"], low["total"], low["redacted"]) == ({"enterprises": 1}, 0, 1)
    assert len(low["retried"]["batches"]) == 1
    assert (high["retried"]["accepted"], high["redacted"]) == ({"enterprises": 1}, 0)


@pytest.mark.parametrize("given", [False, True])
def test_scores_are_not_written_below_what_they_rest_on(
    secret: Settings, public: Settings, tmp_path: Path, given: bool
) -> None:
    output = tmp_path / "scores.csv"
    wanted = scoring.Wanted(None, None, tmp_path if given else None, output, enterprises=False)
    with pytest.raises(HawserError, match="need clearance SECRET"):
        scoring.score(public, wanted, quiet)
    assert not output.exists()
    with pytest.raises(HawserError, match=r"shipments|features|model"):
        scoring.score(secret, wanted, quiet)


@pytest.mark.parametrize("given", [False, True])
def test_what_is_scored_is_the_snapshot_that_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    """A secret snapshot that comes up after the clearance was compared is not scored."""
    settings = Settings(home=tmp_path / "home", clearance="INTERNAL")
    deliver(tmp_path, settings, "PUBLIC", enterprises=[FIRMS, "E1,Open Ltd,CN"])
    first = stages.snapshot(settings, None, None, quiet)["id"]
    compare, built = scoring._require_clearance, []

    def overtaken(*asked: Any) -> str:
        checked = compare(*asked)
        deliver(tmp_path, settings, "SECRET", enterprises=[FIRMS, "E3,Hush Ltd,CN"])
        built.append(stages.snapshot(settings, None, None, quiet)["id"])
        return checked

    monkeypatch.setattr(scoring, "_require_clearance", overtaken)
    tables = tmp_path / "given"
    tables.mkdir()
    (tables / "shipments.csv").write_text(
        "shipment_id,declared_at,direction,customs_office\nS1,2024-07-01,I,2200\n"
    )
    wanted = scoring.Wanted(
        None, None, tables if given else None, tmp_path / "out.csv", enterprises=False
    )
    with pytest.raises(HawserError) as refused:
        scoring.score(settings, wanted, quiet)
    assert built != [first] and first in str(refused.value) and built[0] not in str(refused.value)


def test_scores_are_not_handed_out_below_what_they_rest_on(
    secret: Settings, public: Settings
) -> None:
    with hawser.open(secret.home) as data:
        assert data.scores().enterprise("E2")["enterprise_id"] == "E2"
    with hawser.open(secret.home, clearance="PUBLIC") as data:
        with pytest.raises(HawserError, match="need clearance SECRET"):
            data.scores()
        with pytest.raises(NotFound):
            data.node("E3")


def test_what_is_concluded_of_public_statements_is_internal(
    open_data: Settings, tmp_path: Path
) -> None:
    with (
        pytest.raises(HawserError, match="need clearance INTERNAL"),
        hawser.Data(open_data) as data,
    ):
        data.scores()
    asked = scoring.Wanted(None, None, None, tmp_path / "scores.csv", enterprises=True)
    with pytest.raises(HawserError, match="need clearance INTERNAL"):
        scoring.score(open_data, asked, quiet)
    low = exporting.export(open_data, wanted(tmp_path / "low", "csv"), quiet)
    assert low["withheld"] == ["scores_enterprises", "scores_shipments"]
    assert not list((tmp_path / "low").glob("scores*"))
    inside = replace(open_data, clearance="INTERNAL")
    assert not exporting.export(inside, wanted(tmp_path / "all", "csv"), quiet)["withheld"]
    with hawser.Data(inside) as data:
        assert data.scores().enterprises.num_rows == 1


def test_an_export_is_no_formula_and_stays_in_its_folder(
    open_data: Settings, tmp_path: Path
) -> None:
    exporting.export(open_data, wanted(tmp_path / "out", "csv"), quiet)
    text = (tmp_path / "out" / "nodes" / "Enterprise.csv").read_text()
    assert "'=1+1" in text and "'@SUM(1)" in text
    done = exporting.export(open_data, wanted(tmp_path / "out", "graphml", "../E2"), quiet)
    assert list(done["files"]) == ["%2E%2E%2FE2.graphml"]
    assert (tmp_path / "out" / "%2E%2E%2FE2.graphml").exists()
    assert not list(tmp_path.glob("*.graphml"))


def test_a_files_name_tells_its_id() -> None:
    ids = ("E000042", "../a", "..", "宁波-1", "a b", "", "中" * 100)
    names = [exporting.file_name(id) for id in ids]
    assert names[:6] == ["E000042", "%2E%2E%2Fa", "%2E%2E", "宁波-1", "a%20b", ""]
    assert len(names[6]) == 32 and names[6] != exporting.file_name("中" * 101)


def test_what_is_screened_is_no_formula(secret: Settings, tmp_path: Path) -> None:
    asked, out = tmp_path / "asked.csv", tmp_path / "out.csv"
    asked.write_text('query\n"=Open Trading"\n', encoding="utf-8")
    screening.screen(secret, asked, out, 1, None, quiet)
    with out.open(encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert (row["query"], row["entry_id"], row["rank"]) == ("'=Open Trading", "L1", "1")
