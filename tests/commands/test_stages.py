"""A stage run again on the same days gives the same, whatever was decided since."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa

from commands import stages
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from graph.store.ledger_tables import JUDGEMENTS
from tests.graph.conftest import write_lake  # noqa: F401

WriteLake = Callable[..., Lake]


def quiet(what: str, share: float) -> None:
    """Progress that is not shown."""


def test_a_later_judgement_changes_no_snapshot_of_the_past(
    write_lake: WriteLake,  # noqa: F811
    tmp_path: Path,
) -> None:
    firms = [{"enterprise_id": id, "name": "Timber", "country": "CN"} for id in "ab"]
    with write_lake(tmp_path, {"enterprises": firms}) as lake:
        settings = lake.settings
    engine = sa.create_engine(settings.ledger_address)
    day, made = date(2024, 1, 31), datetime(2024, 1, 5, tzinfo=UTC)

    def snapshot() -> tuple[str, int]:
        built = stages.snapshot(settings, day, day, quiet)
        return built["id"], built["edges"]["SAME_AS"]

    with Ledger(settings) as ledger:
        ledger.judge(("Enterprise", "a"), ("Enterprise", "b"), "positive", user="anna", score=0.9)
        with engine.begin() as connection:
            connection.execute(sa.update(JUDGEMENTS).values(created_at=made))
        before = snapshot()
        ledger.judge(("Enterprise", "a"), ("Enterprise", "b"), "negative", user="ben")
    engine.dispose()
    assert before[1] == 1
    assert snapshot() == before


def test_grading_a_past_month_leaves_in_use_what_knows_more(
    write_lake: WriteLake,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Judgements that were made since count in the snapshot in use, though its days are the same,
    and the month is graded by its id."""
    day = date(2024, 1, 31)
    firms = [
        {"enterprise_id": id, "name": "Timber", "country": "CN", "recorded_at": day} for id in "ab"
    ]
    with write_lake(tmp_path, {"enterprises": firms}) as lake:
        settings = lake.settings
    with Ledger(settings) as ledger:
        ledger.judge(("Enterprise", "a"), ("Enterprise", "b"), "positive", user="anna")
    now = stages.snapshot(settings, None, None, quiet)
    then = stages.snapshot(settings, day, day, quiet)
    days = [{name: built[name] for name in ("as_of", "known_at")} for built in (now, then)]
    assert days == [{"as_of": day, "known_at": day}] * 2
    assert (now["edges"]["SAME_AS"], then["edges"]["SAME_AS"]) == (1, 0)
    assert now["id"] == now["in_use"] == then["in_use"] != then["id"]
    for named, meant in ((then["id"], then["id"]), (None, now["id"])):
        assert stages.features(settings, named, quiet)["snapshot"] == meant
        assert stages.grade(settings, named, None, True, quiet)["snapshot"] == meant
