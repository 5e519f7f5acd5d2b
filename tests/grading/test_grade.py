from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from grading.errors import GradingError, PolicyError
from grading.grade import Scores, grade, grade_enterprises, grade_table
from grading.policy import load_policy
from graph.errors import SnapshotError
from graph.features.build import build_features
from graph.settings import Settings
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from ingest.pipeline import ingest

SMALL = Path(__file__).with_name("small_policy.yml")
POLICY = load_policy(SMALL)
APRIL = date(2026, 4, 30)
ENTERPRISES = pa.table(
    {
        "enterprise_id": ["old", "new", "bad", "none"],
        "age": [9.0, 0.5, 9.0, None],
        "hit_rate": [0.0, None, 0.5, None],
        "inspected": [99.0, 0.0, 99.0, None],
        "hits": [0.0, 0.0, 50.0, None],
        "neighbour_rate": [0.0, 0.5, 0.0, None],
        "serious": [0.0, 0.0, 1.0, None],
    }
)
SCORES = Scores("m1", pa.table({"enterprise_id": ["old", "stranger"], "probability": [0.5, 0.1]}))


def snapshot(id: str = "s1", day: date = APRIL) -> Snapshot:
    return Snapshot(Path(), id, day, day, {}, {})


def test_a_table_is_graded_whatever_its_order() -> None:
    grades = grade_table(POLICY, ENTERPRISES, None, APRIL)
    assert dict(zip(*grades.select(["enterprise_id", "band"]).to_pydict().values(), strict=True)) == {
        "old": "A", "new": "D", "bad": "D", "none": "B",
    }  # fmt: skip
    assert grade_table(POLICY, ENTERPRISES.take([3, 1, 0, 2]), None, APRIL).equals(grades)


def test_scores_are_kept_beside_the_grade_and_count_within_the_cap() -> None:
    without, scored = (grade_table(POLICY, ENTERPRISES, scores, APRIL) for scores in (None, SCORES))
    assert scored["probability"].to_pylist() == [None, None, None, 0.5]
    lost = [a.as_py() - b.as_py() for a, b in zip(without["points"], scored["points"], strict=True)]
    assert lost == pytest.approx([0, 0, 0, 20])


def test_an_enterprise_given_twice_is_refused() -> None:
    with pytest.raises(GradingError, match="name an enterprise twice"):
        grade_table(POLICY, pa.concat_tables([ENTERPRISES, ENTERPRISES]), None, APRIL)


def test_grading_twice_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    dry = grade_enterprises(settings, snapshot(), ENTERPRISES, None, dry_run=True, file=SMALL)
    with Ledger(settings) as ledger:
        assert ledger.runs() == []
    first = grade_enterprises(settings, snapshot(), ENTERPRISES, None, file=SMALL)
    assert (dry.run, dry.counts, dry.changed) == (first.run, first.counts, first.changed)
    assert first.counts == {"A": 1, "B": 1, "C": 0, "D": 2}
    assert (first.changed, first.new, first.unchanged) == (4, 4, False)
    assert first.model is None and "no scores" in first.notes[0]
    again = grade_enterprises(settings, snapshot(), ENTERPRISES, None, file=SMALL)
    assert (again.run, again.counts, again.changed, again.unchanged) == (
        first.run,
        first.counts,
        0,
        True,
    )
    with Ledger(settings) as ledger:
        assert len(ledger.runs()) == 1


def test_other_features_or_scores_make_another_run(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    worse = ENTERPRISES.set_column(6, "serious", pa.array([1.0, 0.0, 1.0, None]))
    rescored = Scores(SCORES.model, SCORES.enterprises.set_column(1, "probability", [[0.01, 0.1]]))
    inputs = [(ENTERPRISES, SCORES), (worse, SCORES), (ENTERPRISES, rescored)]
    reports = [
        grade_enterprises(settings, snapshot(), table, scores, file=SMALL)
        for table, scores in inputs
    ]
    assert [report.unchanged for report in reports] == [False] * 3
    assert len({report.run for report in reports}) == 3
    with Ledger(settings) as ledger:
        kept = [ledger.grades(report.run)["band"].to_pylist() for report in reports]
    for report, bands in zip(reports, kept, strict=True):
        assert report.counts == {band: bands.count(band) for band in report.counts}
    assert [bands[3] for bands in kept] == ["A", "D", "A"]
    turned = grade_enterprises(
        settings, snapshot(), worse.take([3, 1, 0, 2]), SCORES, dry_run=True, file=SMALL
    )
    assert (turned.run, turned.counts, turned.changed) == (reports[1].run, reports[1].counts, 0)
    assert turned.unchanged and reports[2].run in turned.notes[0]


def test_a_run_that_is_known_reports_what_the_ledger_keeps(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    first = grade_enterprises(settings, snapshot(), ENTERPRISES, None, file=SMALL)
    with Ledger(settings) as ledger, ledger._write("changing a grade in") as connection:
        connection.exec_driver_sql("UPDATE grades SET band = 'C' WHERE enterprise_id = 'old'")
    again = grade_enterprises(settings, snapshot(), ENTERPRISES, None, file=SMALL)
    assert (first.counts["A"], again.counts["A"], again.counts["C"]) == (1, 0, 1)


def test_history_says_since_when_a_band_has_held(tmp_path: Path) -> None:
    settings, may = Settings(home=tmp_path), date(2026, 5, 31)
    grade_enterprises(settings, snapshot(), ENTERPRISES, None, file=SMALL)
    worse = ENTERPRISES.set_column(1, "age", pa.array([9.0, 9.0, 9.0, 0.5]))
    report = grade_enterprises(settings, snapshot("s2", may), worse, SCORES, file=SMALL)
    assert (report.upgraded, report.downgraded, report.new, report.changed) == (1, 1, 0, 2)
    with Ledger(settings) as ledger:
        latest = ledger.latest_grades(["old", "new", "none", "bad"])
        assert {id: grade.valid_from for id, grade in latest.items()} == {
            "old": APRIL, "bad": APRIL, "new": may, "none": may,
        }  # fmt: skip
        assert [grade.band for grade in ledger.history("none")] == ["D", "B"]
        reason = latest["bad"].reasons[0]
        assert (reason["code"], reason["zh"], reason["en"]) == (
            "GATE.SERIOUS",
            "严重1（依据：法）",
            "serious 1 (basis: law)",
        )


def test_a_snapshot_from_after_the_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="knows more than was known on 2026-01-31"):
        grade_enterprises(
            Settings(home=tmp_path),
            snapshot(),
            ENTERPRISES,
            None,
            as_of=date(2026, 1, 31),
            file=SMALL,
        )


def test_a_day_that_the_snapshot_says_nothing_of_is_refused(tmp_path: Path) -> None:
    settings, later = Settings(home=tmp_path), date(2029, 1, 1)
    with pytest.raises(GradingError, match="is of 2026-04-30 and says nothing of 2029-01-01"):
        grade_enterprises(settings, snapshot(), ENTERPRISES, None, as_of=later, file=SMALL)
    report = grade_enterprises(settings, snapshot(), ENTERPRISES, None, as_of=APRIL, file=SMALL)
    assert report.as_of == APRIL


def test_a_feature_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such feature: age"):
        grade_enterprises(
            Settings(home=tmp_path), snapshot(), ENTERPRISES.drop_columns("age"), None, file=SMALL
        )


TABLES = {
    "enterprises": "enterprise_id,name,country,registered_on\n"
    "e1,Alpha Ltd,CN,2010-01-01\ne2,Beta Ltd,CN,2026-03-01\ne3,Gamma Ltd,CN,2010-01-01\n",
    "shipments": "shipment_id,declared_at,direction,customs_office,importer_id\n"
    "s1,2026-02-01,I,2201,e1\ns2,2026-02-02,I,2201,e3\n",
    "shipment_items": "shipment_id,item_no,hs_code,customs_value\n"
    "s1,1,850440,100\ns2,1,850440,100\n",
    "findings": "finding_id,shipment_id,inspected_on,recorded_at,outcome,severity\n"
    "f1,s1,2026-02-03,2026-02-05,compliant,\nf2,s2,2026-02-03,2026-02-05,violation,serious\n",
    "credit_events": "event_id,enterprise_id,type,occurred_on,recorded_at,severity\n"
    "c1,e3,smuggling,2026-03-01,2026-03-02,serious\n",
}


def test_from_tables_to_grades(tmp_path: Path) -> None:
    settings, folder = Settings(home=tmp_path / "home"), tmp_path / "tables"
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    ingest("tables", folder, settings, recorded_at=date(2026, 3, 31))
    with Lake(settings) as lake:
        made = build(lake, settings, as_of=APRIL, known_at=APRIL)
        with pytest.raises(SnapshotError, match="has no features yet"):
            grade(settings, made)
        build_features(lake, made, settings)
    told: list[str] = []
    report = grade(settings, made, progress=lambda what, share: told.append(what))
    assert sum(report.counts.values()) == report.new == 3 and told
    assert (report.as_of, report.snapshot, report.policy) == (APRIL, made.id, "scorecard_v1")
    with Ledger(settings) as ledger:
        bands = {id: grade.band for id, grade in ledger.latest_grades(["e1", "e2", "e3"]).items()}
        first = ledger.latest_grade("e3").reasons[0]
    assert bands == {"e1": "A", "e2": "BB", "e3": "D"}
    assert first["code"] == "GATE.SERIOUS" and "282" in first["zh"] and "282" in first["en"]
    assert grade(settings, made).changed == 0
