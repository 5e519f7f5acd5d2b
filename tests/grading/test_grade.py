from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from grading.errors import GradingError, PolicyError
from grading.grade import Scores, grade_enterprises, grade_table
from grading.policy import load_policy
from graph.settings import Settings
from graph.snapshot import Snapshot
from graph.store.ledger import Ledger

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


def test_a_feature_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such feature: age"):
        grade_enterprises(
            Settings(home=tmp_path), snapshot(), ENTERPRISES.drop_columns("age"), None, file=SMALL
        )
