"""From files to the lake: what is accepted, what is quarantined and why, what is refused whole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph.errors import BatchRejected
from graph.files import FileRejected
from graph.settings import Settings
from graph.store.lake import Lake
from graph.tables import RELATION_TYPES
from ingest.errors import SourceError
from ingest.pipeline import ingest, retry_quarantine

Write = Callable[..., Path]


def lenient(settings: Settings) -> Settings:
    """The same data folder, where any share of rows may be wrong."""
    return replace(settings, quarantine_share=1.0)


def quarantined(settings: Settings) -> list[dict[str, Any]]:
    with Lake(settings) as lake:
        ordered = lake.quarantine().order_by("table", "file", "row")
        rows: list[dict[str, Any]] = ordered.to_pyarrow().to_pylist()
    return rows


def in_force(settings: Settings, table: str, **more: Any) -> list[dict[str, Any]]:
    with Lake(settings) as lake:
        rows: list[dict[str, Any]] = lake.table(table, **more).to_pyarrow().to_pylist()
    return rows


def fingerprint(settings: Settings) -> str:
    with Lake(settings) as lake:
        return lake.fingerprint()


def test_good_tables_are_accepted_with_provenance(settings: Settings, write: Write) -> None:
    report = ingest("tables", write(), settings)
    assert report.accepted == {
        "enterprises": 5,
        "persons": 2,
        "relations": 5,
        "shipments": 5,
        "shipment_items": 6,
        "findings": 3,
    }
    assert (report.quarantined, report.unchanged, len(report.batches)) == ({}, False, 1)
    (first,) = [row for row in in_force(settings, "shipments") if row["shipment_id"] == "S1"]
    assert first["transit_ports"] == ["SGSIN", "CNSHA"]
    assert first["valid_from"] == first["recorded_at"] == date(2024, 1, 2)
    assert (first["file"], first["row"], first["marking"]) == ("shipments.csv", 1, "INTERNAL")
    assert first["batch"] == report.batches[0]
    with Lake(settings) as lake:
        assert lake.record(first["record"]) == {"table": "shipments", **first}


def test_items_take_their_dates_from_their_shipment(settings: Settings, write: Write) -> None:
    ingest("tables", write(), settings)
    items = in_force(settings, "shipment_items")
    assert {row["recorded_at"] for row in items if row["shipment_id"] == "S3"} == {date(2024, 2, 1)}


def test_twice_changes_nothing(settings: Settings, write: Write) -> None:
    bad = "person_id,name\nP1,\nP2,Li\nP3,Wu\nP4,Xu\nP5,Ma\nP6,Hu\n"
    folder = write(persons=bad)
    first = ingest("tables", folder, settings)
    before = fingerprint(settings)
    again = ingest("tables", folder, settings, recorded_at=date(2030, 1, 1))
    assert not first.unchanged
    assert (again.unchanged, again.accepted, again.batches) == (True, {}, [])
    assert fingerprint(settings) == before
    assert len(quarantined(settings)) == 2


#: table, line, and what the quarantine says of it: field, value, code.
BAD_ROWS = [
    ("enterprises", "E9,Name,XX,,,", "country", "XX", "unknown_country"),
    ("enterprises", "E9,,CN,,,", "name", None, "missing"),
    ("enterprises", "E9,N,CN,91350100M000100Y44,,", "uscc", "91350100M000100Y44", "uscc_check"),
    ("enterprises", "E9,N,CN,,2010-02-30,", "registered_on", "2010-02-30", "not_date"),
    ("enterprises", "E9,N,CN,,,n/a", "phone", "n/a", "not_phone"),
    ("relations", "E1,E1,SHAREHOLDER,0.5,,", "target_id", "E1", "self"),
    ("relations", "E1,E3,SHAREHOLDER,1.2,,", "share", "1.2", "above_one"),
    ("relations", "E1,E3,OWNER,,,", "type", "OWNER", "not_choice"),
    ("relations", "E1,E3,DIRECTOR,,2020-01-02,2020-01-01", "valid_to", "2020-01-01", "order"),
    ("relations", "E1,E99,DIRECTOR,,,", "target_id", "E99", "reference"),
    ("shipments", "S9,2024-13-02,I,2201,,,,,,", "declared_at", "2024-13-02", "not_date"),
    ("shipments", "S9,9999-12-31,I,2201,,,,,,", "declared_at", "9999-12-31", "impossible_date"),
    ("shipments", "S9,2024-01-02,I,2201,,,CNXX9,,,", "loading_port", "CNXX9", "unknown_locode"),
    ("shipments", "S9,2024-01-02,I,2201,,,,SGSIN;X,,", "transit_ports", "SGSIN;X", "not_locode"),
    ("shipments", "S9,2024-01-02,I,2201,,,,,,9074728", "vessel_imo", "9074728", "imo_check"),
    ("shipments", "S9,2024-01-02,I,2201,E77,,,,,", "importer_id", "E77", "reference"),
    ("shipments", "S9,2024-01-02,I", "", "3", "fields"),
    ("shipment_items", "S1,3,847130,,,-5,,", "customs_value", "-5", "negative"),
    ("shipment_items", "S1,3,847130,,,5,,-1", "net_mass_kg", "-1", "negative"),
    ("shipment_items", "S1,3,771130,,,5,,", "hs_code", "771130", "unknown_chapter"),
    ("findings", "F9,S1,,2024-01-05,2024-01-04,compliant,", "recorded_at", "2024-01-04", "early"),
    ("findings", "F9,,,2024-01-05,2024-01-06,compliant,", "shipment_id", None, "nothing"),
]


def test_bad_rows_are_quarantined_and_the_rest_accepted(
    settings: Settings, write: Write, texts: dict[str, str]
) -> None:
    changed = dict(texts)
    expected = []
    for table, line, field, value, code in BAD_ROWS:
        place = changed[table].count("\n")
        changed[table] += f"{line}\n"
        expected.append((table, f"{table}.csv", place, field, value, code))
    share = Settings(home=settings.home, threads=2, quarantine_share=0.7)
    report = ingest("tables", write(**changed), share)
    rows = quarantined(settings)
    found = [
        tuple(row[name] for name in ("table", "file", "row", "field", "value", "code"))
        for row in rows
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert all(row["reason"] and row["raw"].startswith("{") for row in rows)
    assert report.accepted == {table: text.count("\n") - 1 for table, text in texts.items()}
    assert sum(report.quarantined.values()) == len(BAD_ROWS)


def test_all_that_is_wrong_with_a_row_is_said_in_one_line(settings: Settings, write: Write) -> None:
    share = Settings(home=settings.home, quarantine_share=0.5)
    ingest("tables", write(persons="person_id,name,nationality\nP1,,XX\nP2,Li,CN\n"), share)
    first = quarantined(settings)[0]
    assert "name is required and empty; nationality is not a country code" in first["reason"]


def test_identity_numbers_are_never_kept(settings: Settings, write: Write) -> None:
    people = "person_id,name,id_number\nP1,,11010519491231002X\n" + "".join(
        f"P{number},Li,1101051949123100{number:02}\n" for number in range(2, 9)
    )
    ingest("tables", write(persons=people, relations=""), settings)
    told = [path.read_bytes() for path in settings.lake_folder.rglob("*") if path.is_file()]
    assert not any(b"110105194912310" in content for content in told)
    assert "hmac:" in quarantined(settings)[0]["raw"]


def test_identity_numbers_in_rows_that_cannot_be_split_are_never_kept(
    settings: Settings, write: Write
) -> None:
    people = (
        "person_id,name,id_number\nP1,Li,Wei,11010519491231002X\nP2,11010519491231002X\n"
        "P3,Wu,hmac:,11010519491231002X\n"
    )
    people += "".join(f"P{number},Li,\n" for number in range(4, 20))
    folder = write(persons=people, relations="")
    ingest("tables", folder, settings)
    told = [path.read_bytes() for path in settings.lake_folder.rglob("*") if path.is_file()]
    assert not any(b"110105194912310" in content for content in told)
    broken = quarantined(settings)
    assert [(row["row"], row["value"], row["code"]) for row in broken] == [
        (1, "4", "fields"),
        (2, "2", "fields"),
        (3, "4", "fields"),
    ]
    assert all(row["raw"].startswith('{"__hashed_line":"hmac:') for row in broken)
    assert len({row["raw"] for row in broken}) == 3
    assert ingest("tables", folder, settings).unchanged


def test_exact_duplicates_are_one(settings: Settings, write: Write, texts: dict[str, str]) -> None:
    doubled = texts["persons"] + "P2,Erika Mustermann,\n"
    report = ingest("tables", write(persons=doubled), settings)
    assert (report.accepted["persons"], report.quarantined) == (2, {})


def test_contradictions_are_all_quarantined(
    settings: Settings, write: Write, texts: dict[str, str]
) -> None:
    other = texts["shipments"] + "S5,2024-03-02,E,2202,E1,E2,DEHAM,,,\n"
    report = ingest("tables", write(shipments=other), settings)
    assert report.quarantined == {"shipments": 2, "shipment_items": 1}
    codes = {(row["table"], row["row"]): row["code"] for row in quarantined(settings)}
    assert codes == {
        ("shipments", 5): "conflicting",
        ("shipments", 6): "conflicting",
        ("shipment_items", 6): "reference",
    }


def test_a_contradiction_that_is_settled_leaves_the_quarantine(
    settings: Settings, write: Write, texts: dict[str, str]
) -> None:
    other = texts["shipments"] + "S5,2024-03-02,E,2202,E1,E2,DEHAM,,,\n"
    ingest("tables", write(shipments=other), settings)
    report = ingest("tables", write(), settings)
    assert report.accepted == {"shipments": 1, "shipment_items": 1}
    assert quarantined(settings) == []
    settled = fingerprint(settings)
    assert retry_quarantine(settings).accepted == {}
    again = ingest("tables", write(shipments=other), settings)
    assert again.accepted == {}, "what contradicts itself corrects nothing"
    assert fingerprint(settings) == settled


def test_a_waiting_row_gives_way_to_its_correction(settings: Settings, write: Write) -> None:
    header = "shipment_id,declared_at,direction,customs_office,importer_id\n"
    people = {"enterprises": "enterprise_id,name,country\nE1,A,CN\n"}
    rest = dict.fromkeys(("persons", "relations", "shipment_items", "findings"), "")
    wrong = write("wrong", **people, **rest, shipments=header + "S1,2024-01-02,I,2201,E9\n")
    assert ingest("tables", wrong, lenient(settings)).quarantined == {"shipments": 1}
    right = write("right", **people, **rest, shipments=header + "S1,2024-01-02,I,2201,E1\n")
    report = ingest("tables", right, settings)
    assert (report.accepted, report.quarantined, report.resolved) == ({"shipments": 1}, {}, 1)
    assert quarantined(settings) == []
    late = write("late", **rest, enterprises=people["enterprises"] + "E9,Z,CN\n", shipments="")
    assert ingest("tables", late, settings).accepted == {"enterprises": 1}
    assert in_force(settings, "shipments")[0]["importer_id"] == "E1"


def test_a_row_that_was_wrong_by_itself_leaves_when_its_key_is_told(
    settings: Settings, write: Write
) -> None:
    header = "person_id,name,birth_date\n"
    wrong = header + "P1,Li,2000-02-30\nP2,Wu,2000-13-01\nP3,Xu,\nP4,Yu,\n"
    people = write("wrong", relations="", persons=wrong) / "persons.csv"
    assert ingest("tables", people, lenient(settings)).quarantined == {"persons": 2}
    mended = write("mended", relations="", persons=header + " P1 ,Li,2000-02-29\n") / "persons.csv"
    assert ingest("tables", mended, settings).resolved == 1
    assert [row["row"] for row in quarantined(settings)] == [2]


def test_rows_of_one_key_and_different_days_of_recording_wait_beside_one_another(
    settings: Settings, write: Write
) -> None:
    header = "finding_id,shipment_id,inspected_on,recorded_at,outcome\n"
    rest = {"findings": ""}
    early = write("early", findings=header + "F1,S1,2024-01-05,2024-01-06,compliant\n")
    ingest("tables", early / "findings.csv", lenient(settings))
    late = write("late", findings=header + "F1,S1,2024-01-05,2024-02-01,violation\n")
    ingest("tables", late / "findings.csv", lenient(settings))
    ingest("tables", write("rest", **rest), settings)
    assert quarantined(settings) == []
    with Lake(settings) as lake:
        assert lake.versions("findings").count().to_pyarrow().as_py() == 2


def test_a_later_correction_supersedes_and_the_past_can_be_asked_for(
    settings: Settings, write: Write, texts: dict[str, str]
) -> None:
    ingest("tables", write(), settings)
    corrected = texts["shipment_items"].replace(
        "S3,1,870323,cars,KR,20000", "S3,1,870323,cars,KR,2"
    )
    report = ingest(
        "tables", write(shipment_items=corrected), settings, recorded_at=date(2025, 6, 1)
    )
    assert report.accepted == {"shipment_items": 1}

    def value(**more: Any) -> float:
        rows = in_force(settings, "shipment_items", **more)
        return float(next(row["customs_value"] for row in rows if row["shipment_id"] == "S3"))

    assert value() == 2
    assert value(known_at=date(2025, 5, 31)) == 20000
    with Lake(settings) as lake:
        versions = lake.versions("shipment_items").filter(lambda t: t.shipment_id == "S3")
        ends = versions.order_by("recorded_at").to_pyarrow()["superseded_at"].to_pylist()
    assert ends == [date(2025, 6, 1), None]


def test_an_identity_number_told_later_is_a_correction(settings: Settings, write: Write) -> None:
    head = "person_id,name,id_number\n"
    none, one, two = (
        write(f"id{number}", persons=f"{head}P1,Li,{number}\n", relations="") / "persons.csv"
        for number in ("", "111", "222")
    )
    for day, path in enumerate((none, one, two), start=1):
        report = ingest("tables", path, settings, recorded_at=date(2025, 1, day))
        assert (report.accepted, report.quarantined) == ({"persons": 1}, {})
        assert ingest("tables", path, settings, recorded_at=date(2025, 1, day)).unchanged
    said = [
        in_force(settings, "persons", known_at=date(2025, 1, day))[0]["id_number"]
        for day in (1, 2, 3)
    ]
    assert said[0] is None
    assert len(set(said)) == 3
    silent = ingest("tables", one, settings)
    assert silent.unchanged
    assert "1 rows say what was corrected since" in silent.issues[0]
    again = ingest("tables", one, settings, recorded_at=date(2025, 1, 4))
    assert again.accepted == {"persons": 1}
    assert in_force(settings, "persons")[0]["id_number"] == said[1]
    other = Settings(home=settings.home.with_name("other"))
    for day, path in enumerate((none, one, two, one), start=1):
        ingest("tables", path, other, recorded_at=date(2025, 1, day))
    assert fingerprint(other) == fingerprint(settings), "the key of a data folder changes no record"


@pytest.mark.parametrize("order", [("111", "222"), ("222", "111"), ("222", "", "111")])
def test_rows_with_other_identity_numbers_contradict_one_another(
    settings: Settings, write: Write, order: tuple[str, ...]
) -> None:
    people = "person_id,name,id_number\n" + "".join(f"P1,Li,{number}\n" for number in order)
    folder = write(persons=people + "P2,Wu,5\nP2,Wu,5\n", relations="")
    report = ingest("tables", folder, settings)
    assert report.accepted["persons"] == 1
    assert report.quarantined == {"persons": len(order)}
    assert {row["code"] for row in quarantined(settings)} == {"conflicting"}
    assert len({row["id"] for row in quarantined(settings)}) == len(order)
    assert ingest("tables", folder, settings).unchanged
    other = Settings(home=settings.home.with_name("other"))
    assert ingest("tables", folder, other).batches == report.batches


def test_what_was_corrected_can_be_said_again(settings: Settings, write: Write) -> None:
    head = "person_id,name\n"
    one, two = (write(name, persons=f"{head}P1,{name}\n", relations="") for name in ("Li", "Wu"))
    for day, folder in ((1, one), (2, two)):
        ingest("tables", folder / "persons.csv", settings, recorded_at=date(2025, 1, day))
    silent = ingest("tables", one / "persons.csv", settings)
    assert silent.unchanged
    assert "1 rows say what was corrected since" in silent.issues[0]
    again = ingest("tables", one / "persons.csv", settings, recorded_at=date(2025, 1, 3))
    assert again.accepted == {"persons": 1}
    for day in (3, 4):
        assert ingest(
            "tables", one / "persons.csv", settings, recorded_at=date(2025, 1, day)
        ).unchanged
    names = [
        in_force(settings, "persons", known_at=date(2025, 1, day))[0]["name"] for day in (1, 2, 3)
    ]
    assert names == ["Li", "Wu", "Li"]


def test_what_waits_for_a_reference_comes_in_by_itself(
    settings: Settings, write: Write, texts: dict[str, str]
) -> None:
    whole = Settings(home=settings.home.with_name("whole"))
    ingest("tables", write("at_once"), whole)
    folder = write()
    for name in reversed(list(texts)):  # findings first, enterprises last
        ingest("tables", folder / f"{name}.csv", settings)
    assert quarantined(settings) == []
    assert fingerprint(settings) == fingerprint(whole)


def test_retry_reads_everything_again_and_keeps_what_is_still_wrong(
    settings: Settings, write: Write, texts: dict[str, str]
) -> None:
    share = Settings(home=settings.home, quarantine_share=0.5)
    bad = texts["shipments"] + "S9,2024-01-02,I,2201,,,CNXX9,,,\nS8,2024-01-02,I\n"
    ingest("tables", write(shipments=bad), share)
    before = quarantined(settings)
    report = retry_quarantine(share)
    assert (report.unchanged, report.accepted) == (True, {})
    assert quarantined(settings) == before
    assert len(before) == 2


def test_too_many_bad_rows_refuse_the_batch(settings: Settings, write: Write) -> None:
    ingest("tables", write(), settings)
    before = fingerprint(settings)
    people = "person_id,name\nP8,\nP9,\nP10,Li\nP11,Wu\n"
    with pytest.raises(BatchRejected, match=r"persons: 2 of 4 rows are wrong, more than 20%") as it:
        ingest("tables", write(persons=people), settings)
    assert "\n" not in str(it.value)
    assert "2 of them: name is required and empty, first persons.csv row 1" in str(it.value)
    assert fingerprint(settings) == before
    assert quarantined(settings) == []


def test_a_refused_batch_tells_its_commonest_reasons(settings: Settings, write: Write) -> None:
    people = "person_id,name,nationality\nP5,Li,XX\nP6,,CN\nP7,Wu,YY\n"
    with pytest.raises(BatchRejected) as refused:
        ingest("tables", write(persons=people), settings)
    told = str(refused.value)
    common = told.index("2 of them: nationality is not a country code of ISO 3166, first ")
    assert common < told.index("1 of them: name is required and empty, first persons.csv row 2")


def test_a_value_outside_a_list_is_refused_with_the_list(
    settings: Settings, write: Write, texts: dict[str, str]
) -> None:
    ingest("tables", write(relations=f"{texts['relations']}E1,E3,OWNER,,,\n"), lenient(settings))
    (row,) = quarantined(settings)
    assert row["reason"] == (f"type is not one of the values allowed ({', '.join(RELATION_TYPES)})")


def test_extra_columns_are_kept_and_reported(settings: Settings, write: Write) -> None:
    people = "person_id,Name,shoe_size,note\nP1,Li,43,\nP2,Wu,38,left\n"
    report = ingest("tables", write(persons=people), settings)
    assert report.extra_columns == {"persons": ["shoe_size", "note"]}
    extras = sorted(row["extra"] for row in in_force(settings, "persons"))
    assert extras == ['{"note":"left","shoe_size":"38"}', '{"shoe_size":"43"}']


def test_the_marking_comes_from_the_declaration_the_option_or_a_file_beside(
    settings: Settings, write: Write
) -> None:
    folder = write()
    (folder / "source.yml").write_text("marking: RESTRICTED\n")
    ingest("tables", folder, settings)
    assert {row["marking"] for row in in_force(settings, "persons")} == {"RESTRICTED"}
    other = Settings(home=settings.home.with_name("other"))
    ingest("tables", folder, other, options={"marking": "SECRET"})
    assert {row["marking"] for row in in_force(other, "persons")} == {"SECRET"}
    (folder / "source.yml").write_text("marking: HUSH\n")
    with pytest.raises(FileRejected, match="HUSH"):
        ingest("tables", folder, settings)


def test_an_unknown_source_is_refused_with_the_known_ones(settings: Settings) -> None:
    with pytest.raises(SourceError, match="known are fincen, hs, korea_customs"):
        ingest("rumours", Path(), settings)
