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
        built = stages.snapshot(settings, day, day, lambda what, share: None)
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
