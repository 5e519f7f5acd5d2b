import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from graph.errors import LedgerError, NotFound, SettingsError
from graph.settings import Settings
from graph.store import ledger_engine
from graph.store.ledger import GRADE_SCHEMA, GradingRun, Ledger, RuleSet, read_reasons
from graph.store.ledger_tables import METADATA

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = RuleSet(
    "h1", "scorecard_v1", "yaml", {"HITS.2": {"zh": "查获{value:.0f}次", "en": "{value:.0f} hits"}}
)
RUN = GradingRun(
    "r1", "scorecard_v1", "h1", "s1", None, date(2026, 4, 30), date(2026, 4, 30), NOW, NOW, {"A": 2}
)


def grades(bands: dict[str, str]) -> pa.Table:
    reasons = json.dumps([["HITS.2", "hits", 3.0, 12.0]])
    rows = [
        {
            "enterprise_id": id,
            "points": 600.0,
            "band": band,
            "probability": None,
            "reasons": reasons,
            "valid_from": date(2026, 4, 30),
        }
        for id, band in bands.items()
    ]
    return pa.Table.from_pylist(rows, GRADE_SCHEMA)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def ledger(settings: Settings):
    with Ledger(settings) as ledger:
        yield ledger


def test_a_run_is_kept_once_and_read_back(ledger: Ledger) -> None:
    table = grades({"e2": "B", "e1": "A"})
    assert ledger.save_run(RUN, table, RULES)
    assert not ledger.save_run(RUN, table, RULES)
    assert ledger.runs() == [RUN]
    assert ledger.run("r1") == RUN
    assert ledger.grades("r1").equals(table.sort_by("enterprise_id"))
    assert ledger.rule_set("h1") == RULES
    with pytest.raises(NotFound, match="no grading run x"):
        ledger.run("x")


def test_the_grade_in_force_is_of_the_latest_day(ledger: Ledger) -> None:
    later = replace(RUN, run="r2", as_of=date(2026, 5, 31))
    ledger.save_run(later, grades({"e1": "B"}), RULES)
    ledger.save_run(RUN, grades({"e1": "A", "e2": "A"}), RULES)
    latest = ledger.latest_grades(["e1", "e2", "nobody"])
    assert {id: grade.run for id, grade in latest.items()} == {"e1": "r2", "e2": "r1"}
    assert [grade.band for grade in ledger.history("e1")] == ["B", "A"]
    assert ledger.latest_grade("nobody") is None
    assert ledger.previous_run(date(2026, 5, 31), "r2") == RUN
    assert ledger.previous_run(date(2026, 4, 1), "r2") is None


def test_reasons_carry_their_texts(ledger: Ledger) -> None:
    ledger.save_run(RUN, grades({"e1": "A"}), RULES)
    (reason,) = ledger.latest_grade("e1").reasons
    assert reason == {
        "code": "HITS.2", "feature": "hits", "value": 3.0, "points_lost": 12.0, "zh": "查获3次", "en": "3 hits",
    }  # fmt: skip
    assert read_reasons(ledger.grades("r1")["reasons"][0].as_py(), RULES) == (reason,)


def test_grades_without_a_column_are_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="no column band"):
        ledger.save_run(RUN, grades({"e1": "A"}).drop_columns("band"), RULES)
    assert ledger.runs() == []


def test_a_failing_run_leaves_nothing(ledger: Ledger) -> None:
    twice = pa.concat_tables([grades({"e1": "A"}), grades({"e1": "B"})])
    with pytest.raises(LedgerError, match="saving a grading run in the ledger"):
        ledger.save_run(RUN, twice, RULES)
    assert ledger.runs() == [] and ledger.grades("r1").num_rows == 0


KILLED = """
import sys
from pathlib import Path
import pyarrow as pa
sys.path.insert(0, sys.argv[2])
from test_ledger import RULES, RUN, grades
from graph.settings import Settings
from graph.store.ledger import Ledger
table = grades({f"e{i:06d}": "A" for i in range(60_000)})
ledger = Ledger(Settings(home=Path(sys.argv[1])))
print("ready", flush=True)
ledger.save_run(RUN, table, RULES)
"""


def test_a_run_killed_halfway_leaves_nothing(settings: Settings) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", KILLED, str(settings.home), str(Path(__file__).parent)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}
    ) as process:
        assert process.stdout is not None and process.stdout.readline()
        log = settings.home / "ledger.sqlite-wal"
        deadline = time.monotonic() + 60
        while log.stat().st_size < 1_000_000 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert process.poll() is None, "the run was saved before it could be killed"
        os.kill(process.pid, signal.SIGKILL)
    with Ledger(settings) as ledger:
        assert ledger.runs() == []
        assert ledger.grades("r1").num_rows == 0
        assert ledger.save_run(RUN, grades({"e1": "A"}), RULES)


def test_a_judgement_retires_the_one_before_and_keeps_it(
    ledger: Ledger, settings: Settings
) -> None:
    first = ledger.judge(("Enterprise", "b"), ("Enterprise", "a"), "unsure", user="li")
    second = ledger.judge(
        ("Enterprise", "a"), ("Enterprise", "b"), "positive", user="wang", score=0.9
    )
    (row,) = ledger.judgements("Enterprise").to_pylist()
    assert (row["id"], row["left_id"], row["right_id"], row["judgement"]) == (
        second,
        "a",
        "b",
        "positive",
    )
    assert [(entry.user, entry.action) for entry in ledger.audit_trail()] == [
        ("wang", "judge"),
        ("li", "judge"),
    ]
    engine = sa.create_engine(settings.ledger_address)
    with engine.connect() as connection:
        kept = connection.exec_driver_sql(
            "select id, deleted_at is null from judgements order by id"
        ).all()
    engine.dispose()
    assert kept == [(first, 0), (second, 1)]


def test_bad_judgements_are_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="'maybe' is no judgement: use one of"):
        ledger.judge(("Enterprise", "a"), ("Enterprise", "b"), "maybe", user="li")
    with pytest.raises(LedgerError, match="against itself"):
        ledger.judge(("Enterprise", "a"), ("Enterprise", "a"), "positive", user="li")


def proposals(**scores: float) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"left_kind": "Enterprise", "left_id": pair[0], "right_kind": "Enterprise", "right_id": pair[1],
             "judgement": "unsure", "score": score, "derivation": "name", "user": "rule:name",
             "marking": "INTERNAL"}
            for pair, score in scores.items()
        ]
    )  # fmt: skip


def test_rules_are_reconciled_and_people_are_left_alone(ledger: Ledger) -> None:
    rules = ["rule:name"]
    first = ledger.reconcile("Enterprise", proposals(ab=0.9, ac=0.8), rules=rules)
    assert (first.added, first.retired) == (2, 0)
    again = ledger.reconcile("Enterprise", proposals(ab=0.9, ac=0.8), rules=rules)
    assert (again.added, again.retired, again.unchanged) == (0, 0, 2)
    ledger.judge(("Enterprise", "a"), ("Enterprise", "b"), "negative", user="li")
    last = ledger.reconcile("Enterprise", proposals(ab=0.95, ad=0.7), rules=rules)
    assert (last.added, last.retired, last.left) == (1, 1, 1)
    held = {
        (row["right_id"], row["judgement"], row["user"])
        for row in ledger.judgements("Enterprise").to_pylist()
    }
    assert held == {("b", "negative", "li"), ("d", "unsure", "rule:name")}


def test_overrides_expire_and_selections_are_kept(ledger: Ledger) -> None:
    ledger.override("e1", "C", reason="site visit", user="li", expires_on=date(2026, 8, 1))
    ledger.override("e1", "B", reason="cleared", user="li", expires_on=date(2026, 9, 1))
    assert [override.band for override in ledger.overrides(date(2026, 8, 15))] == ["B"]
    assert ledger.overrides(date(2026, 9, 1)) == []
    row = {
        "selection_id": "x",
        "shipment_id": "s1",
        "probability": 0.1,
        "seed": 7,
        "wheel": "random",
        "policy": "p",
        "selected_at": NOW,
    }
    ledger.save_selections(pa.Table.from_pylist([row]), user="li")
    assert ledger.selections().to_pylist() == [row]


def test_migrations_bring_a_database_to_the_declared_form(
    ledger: Ledger, settings: Settings
) -> None:
    folder = Path(ledger_engine.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [ledger_engine.HEAD]
    engine = sa.create_engine(settings.ledger_address)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_many_open_it_at_once(settings: Settings) -> None:
    def judge(number: int) -> int:
        with Ledger(settings) as ledger:
            return ledger.judge(("Person", "a"), ("Person", f"b{number}"), "positive", user="li")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(judge, range(16)))) == 16


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense secret", "is not an SQLAlchemy address"),
        ("mysql://li:secret@host/x", "names the database mysql"),
        ("postgresql://li:secret@127.0.0.1:1/x?password=secret", "opening the ledger postgresql"),
    ],
)
def test_errors_are_one_line_without_the_password(
    settings: Settings, address: str, message: str
) -> None:
    with pytest.raises(LedgerError, match=message) as caught:
        Ledger(replace(settings, ledger_url=address))
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_no_ledger_and_a_newer_ledger_are_refused(settings: Settings) -> None:
    (settings.home / "ledger.sqlite").write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(LedgerError, match="file is not a database"):
        Ledger(settings)
    (settings.home / "ledger.sqlite").unlink()
    Ledger(settings).close()
    engine = sa.create_engine(settings.ledger_address)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    engine.dispose()
    with pytest.raises(LedgerError, match="newer version"):
        Ledger(settings)


def test_judgements_of_every_kind_carry_their_day(ledger: Ledger) -> None:
    ledger.judge(("Enterprise", "a"), ("ListEntry", "l"), "positive", user="li")
    ledger.judge(("Person", "a"), ("Person", "b"), "unsure", user="li")
    rows = ledger.judgements().to_pylist()
    assert [row["right_kind"] for row in rows] == ["ListEntry", "Person"]
    assert all(row["created_on"] == row["created_at"].date() for row in rows)


def test_judgements_of_a_past_day_stay_as_they_were(ledger: Ledger, settings: Settings) -> None:
    pair = ("Enterprise", "a"), ("Enterprise", "b")
    january, february = datetime(2026, 1, 5, 23, 59, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)
    first = ledger.judge(*pair, "positive", user="anna", score=0.97)
    second = ledger.judge(*pair, "negative", user="ben")
    engine = sa.create_engine(settings.ledger_address)
    table = METADATA.tables["judgements"]
    with engine.begin() as connection:
        for number, times in (
            (first, {"created_at": january, "deleted_at": february}),
            (second, {"created_at": february}),
        ):
            connection.execute(sa.update(table).where(table.c.id == number).values(times))
    engine.dispose()

    def known(*day: int) -> list[str]:
        return ledger.judgements(known_at=date(2026, *day))["user"].to_pylist()

    assert [known(1, 4), known(1, 5), known(2, 9), known(2, 10)] == [
        [],
        ["anna"],
        ["anna"],
        ["ben"],
    ]
    assert ledger.judgements()["user"].to_pylist() == ["ben"]


def test_a_persons_judgement_keeps_the_marking_of_its_grounds(ledger: Ledger) -> None:
    pair = ("Enterprise", "a"), ("Enterprise", "b")

    def judged(marking: str | None) -> str:
        ledger.judge(*pair, "positive", user="li", marking=marking)
        return ledger.judgements()["marking"][0].as_py()

    told = [judged(name) for name in (None, "RESTRICTED", None, "PUBLIC")]
    assert told == ["SECRET", "RESTRICTED", "RESTRICTED", "INTERNAL"]
    with pytest.raises(SettingsError, match="'TOP' is not"):
        judged("TOP")


def test_judgements_of_an_older_ledger_are_secret_until_the_rules_run_again(
    settings: Settings,
) -> None:
    engine = sa.create_engine(settings.ledger_address)
    config = Config()
    config.set_main_option(
        "script_location", str(Path(ledger_engine.__file__).parent / "migrations")
    )
    config.set_main_option("path_separator", "os")
    row = proposals(ab=0.9).to_pylist()[0]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        old = sa.Table("judgements", sa.MetaData(), autoload_with=connection)
        del row["marking"]
        connection.execute(sa.insert(old).values(**row, created_at=NOW))
    engine.dispose()
    with Ledger(settings) as ledger:
        assert ledger.judgements()["marking"].to_pylist() == ["SECRET"]
        changed = ledger.reconcile("Enterprise", proposals(ab=0.9), rules=["rule:name"])
        assert (changed.added, changed.retired) == (1, 1)
        assert ledger.judgements()["marking"].to_pylist() == ["INTERNAL"]
