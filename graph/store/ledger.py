"""The ledger: what was decided, by whom and when. Nothing in it is overwritten or deleted.

Judgements of identity, grading runs with their grades, rule sets, overrides, selections and the
audit trail. SQLite in the data folder by default, PostgreSQL by address. Each method is one
transaction: it takes effect whole or not at all, even when the process is killed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from graph import access
from graph.errors import LedgerError, NotFound
from graph.settings import Settings
from graph.store.ledger_engine import guard, open_engine
from graph.store.ledger_records import (
    GRADE_SCHEMA,
    JUDGEMENT_SCHEMA,
    PAIR,
    SELECTION_SCHEMA,
    AuditEntry,
    Grade,
    GradingRun,
    Override,
    Reconciled,
    RuleSet,
    checked_judgement,
    expand_reasons,
    pair,
    read_reasons,
    reconcile,
)
from graph.store.ledger_tables import (
    AUDIT,
    GRADES,
    GRADING_RUNS,
    JUDGEMENTS,
    OVERRIDES,
    RULE_SETS,
    SELECTIONS,
)

__all__ = [
    "GRADE_SCHEMA",
    "JUDGEMENT_SCHEMA",
    "SELECTION_SCHEMA",
    "AuditEntry",
    "Grade",
    "GradingRun",
    "Ledger",
    "Override",
    "Reconciled",
    "RuleSet",
    "read_reasons",
]

#: SQLite binds at most 32,766 values in a statement, PostgreSQL 65,535.
_MOST_BOUND = 10_000


class Ledger:
    """The decisions of one data folder or database. Close it, or use it in a `with`."""

    def __init__(self, settings: Settings) -> None:
        """Open the ledger, bringing an older one to the newest form. Raises `LedgerError`."""
        self._engine = open_engine(settings)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Grading runs and grades

    def save_run(self, run: GradingRun, grades: pa.Table, rules: RuleSet) -> bool:
        """Keep a run with its grades (`GRADE_SCHEMA`) and the rule set it used, whole.

        Returns False, and changes nothing, when the run is there already.
        """
        grades = _checked(grades, GRADE_SCHEMA, "grades")
        rows = grades.append_column("run", pa.array([run.run] * grades.num_rows, pa.string()))
        with self._write("saving a grading run in") as connection:
            known = sa.select(GRADING_RUNS.c.run).where(GRADING_RUNS.c.run == run.run)
            if connection.execute(known).first():
                return False
            _add_rule_set(connection, rules)
            connection.execute(sa.insert(GRADING_RUNS), [_row(run)])
            if rows.num_rows:
                connection.execute(sa.insert(GRADES), rows.to_pylist())
            _record(connection, "rule:grading", "grade", {"run": run.run, **dict(run.counts)})
        return True

    def runs(self) -> list[GradingRun]:
        """Every run, from the latest as-of day to the earliest."""
        order = sa.select(GRADING_RUNS).order_by(*(part.desc() for part in _IN_FORCE))
        with self._read("reading grading runs in") as connection:
            return [GradingRun(**row) for row in connection.execute(order).mappings()]

    def run(self, run: str) -> GradingRun:
        """One run. Raises `NotFound`."""
        with self._read("reading a grading run in") as connection:
            query = sa.select(GRADING_RUNS).where(GRADING_RUNS.c.run == run)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"there is no grading run {run}", hint="hawser grade makes one")
        return GradingRun(**row)

    def rule_set(self, policy_hash: str) -> RuleSet:
        """The rule set with this hash. Raises `NotFound`."""
        with self._read("reading a rule set in") as connection:
            query = sa.select(RULE_SETS).where(RULE_SETS.c.policy_hash == policy_hash)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"there is no rule set {policy_hash}")
        return RuleSet(row["policy_hash"], row["policy"], row["content"], row["reasons"])

    def grades(self, run: str) -> pa.Table:
        """A run's grades, sorted by enterprise (`GRADE_SCHEMA`; reasons are compact JSON text,
        which `read_reasons` expands with the run's rule set)."""
        query = (
            sa.select(*(GRADES.c[name] for name in GRADE_SCHEMA.names))
            .where(GRADES.c.run == run)
            .order_by(GRADES.c.enterprise_id)
        )
        with self._read("reading grades in") as connection:
            return _arrow(connection.execute(query).all(), GRADE_SCHEMA)

    def history(self, enterprise_id: str) -> list[Grade]:
        """An enterprise's grades, from the latest as-of day to the earliest."""
        query = _GRADE.where(GRADES.c.enterprise_id == enterprise_id).order_by(
            *(part.desc() for part in _IN_FORCE)
        )
        with self._read("reading grades in") as connection:
            return [_grade(row) for row in connection.execute(query).mappings()]

    def latest_grade(self, enterprise_id: str) -> Grade | None:
        """The grade in force: of the latest as-of day, and there of the run made last."""
        return self.latest_grades([enterprise_id]).get(enterprise_id)

    def latest_grades(self, ids: Sequence[str]) -> dict[str, Grade]:
        """The grades in force of these enterprises; one without a grade is left out."""
        wanted = sorted(set(ids))
        with self._read("reading grades in") as connection:
            rows = [
                row
                for start in range(0, len(wanted), _MOST_BOUND)
                for row in connection.execute(
                    _latest(wanted[start : start + _MOST_BOUND])
                ).mappings()
            ]
        return {row["enterprise_id"]: _grade(row) for row in rows}

    def previous_run(self, as_of: date, run: str) -> GradingRun | None:
        """The run in force before `run` on `as_of`: the latest other one not after that day."""
        earlier = [known for known in self.runs() if known.as_of <= as_of and known.run != run]
        return earlier[0] if earlier else None

    # Judgements of identity

    def judgements(self, kind: str | None = None, *, known_at: date | None = None) -> pa.Table:
        """The judgements in force now, or at the end of the day `known_at` (in UTC), sorted by
        pair (`JUDGEMENT_SCHEMA`); of every kind, or of one.

        `kind` is `Enterprise` or `Person` for "the same party", where `left_id < right_id`, or
        `ListEntry` for "listed as", where the left is the party and the right the entry.
        `created_on` is the day of `created_at`, in UTC.
        """
        stored = [name for name in JUDGEMENT_SCHEMA.names if name != "created_on"]
        created_on = JUDGEMENTS.c.created_at
        query = (
            sa.select(*(JUDGEMENTS.c[name] for name in stored), created_on.label("created_on"))
            .where(_held(known_at))
            .order_by(*(JUDGEMENTS.c[name] for name in ("right_kind", *PAIR)))
        )
        if kind is not None:
            query = query.where(JUDGEMENTS.c.right_kind == kind)
        with self._read("reading judgements in") as connection:
            return _arrow(connection.execute(query).all(), JUDGEMENT_SCHEMA)

    def judge(
        self,
        left: tuple[str, str],
        right: tuple[str, str],
        judgement: str,
        *,
        user: str,
        score: float | None = None,
        derivation: str = "",
        marking: str | None = None,
    ) -> int:
        """Record what a person says of a pair; `left` and `right` are (kind, id).

        `marking` is the highest of the facts that the judgement rests on; without it, that of the
        judgement in force before, or the highest there is. The judgement before is retired, and
        kept. Returns the new judgement's id.

        Raises:
            LedgerError: the judgement is none of `JUDGEMENT_VALUES`, or the pair is no pair.
            SettingsError: there is no such marking.
        """
        row = {
            **pair(left, right),
            "judgement": checked_judgement(judgement),
            "score": score,
            "derivation": derivation,
            "user": user,
            "created_at": datetime.now(UTC),
        }
        with self._write("recording a judgement in") as connection:
            before = [JUDGEMENTS.c[name] == row[name] for name in PAIR]
            before.append(JUDGEMENTS.c.deleted_at.is_(None))
            known = connection.execute(sa.select(JUDGEMENTS.c.marking).where(*before)).scalar()
            row["marking"] = access.higher(marking or known or access.HIGHEST, access.OWN_MARKING)
            connection.execute(
                sa.update(JUDGEMENTS).where(*before).values(deleted_at=row["created_at"])
            )
            number = _insert(connection, JUDGEMENTS, row)
            detail = {name: row[name] for name in (*PAIR, "judgement")}
            _record(connection, user, "judge", {"id": number, **detail})
        return number

    def reconcile(self, kind: str, proposals: pa.Table, *, rules: Sequence[str]) -> Reconciled:
        """Make the judgements of these rules be exactly `proposals`, in one transaction.

        Proposals have the columns of `JUDGEMENT_SCHEMA` from `left_kind` to `user`, the last one of
        `rules`. New ones are added, changed ones retired and added, those no longer
        proposed retired. A pair that a person has judged is left as the person judged it.
        """
        with self._write("recording judgements in") as connection:
            query = sa.select(JUDGEMENTS).where(
                JUDGEMENTS.c.right_kind == kind, JUDGEMENTS.c.deleted_at.is_(None)
            )
            plan = reconcile(
                connection.execute(query).mappings().all(), proposals.to_pylist(), rules
            )
            now = datetime.now(UTC)
            if plan.retire:
                connection.execute(
                    sa.update(JUDGEMENTS)
                    .where(JUDGEMENTS.c.id == sa.bindparam("number"))
                    .values(deleted_at=now),
                    [{"number": number} for number in plan.retire],
                )
            if plan.add:
                rows = [{**row, "created_at": now} for row in plan.add]
                connection.execute(sa.insert(JUDGEMENTS), rows)
            if plan.add or plan.retire:
                detail = {"kind": kind, **asdict(plan.report)}
                _record(connection, rules[0], "reconcile", detail)
        return plan.report

    # Overrides and selections

    def override(
        self, enterprise_id: str, band: str, *, reason: str, user: str, expires_on: date
    ) -> int:
        """Set a band beside the computed grade until a day; retires the override before it."""
        now = datetime.now(UTC)
        with self._write("recording an override in") as connection:
            connection.execute(
                sa.update(OVERRIDES)
                .where(OVERRIDES.c.enterprise_id == enterprise_id, OVERRIDES.c.deleted_at.is_(None))
                .values(deleted_at=now)
            )
            row = {
                "enterprise_id": enterprise_id,
                "band": band,
                "reason": reason,
                "user": user,
                "created_at": now,
                "expires_on": expires_on,
            }
            number = _insert(connection, OVERRIDES, row)
            detail = {"id": number, "enterprise_id": enterprise_id, "band": band, "reason": reason}
            _record(connection, user, "override", detail)
        return number

    def overrides(self, on: date) -> list[Override]:
        """The overrides in force on a day, sorted by enterprise."""
        names = tuple(Override.__dataclass_fields__)
        query = (
            sa.select(*(OVERRIDES.c[name] for name in names))
            .where(OVERRIDES.c.deleted_at.is_(None), OVERRIDES.c.expires_on > on)
            .order_by(OVERRIDES.c.enterprise_id)
        )
        with self._read("reading overrides in") as connection:
            return [Override(**row) for row in connection.execute(query).mappings()]

    def save_selections(self, selections: pa.Table, *, user: str) -> None:
        """Keep which shipments were selected, with their probabilities (`SELECTION_SCHEMA`)."""
        selections = _checked(selections, SELECTION_SCHEMA, "selections")
        with self._write("saving selections in") as connection:
            if selections.num_rows:
                connection.execute(sa.insert(SELECTIONS), selections.to_pylist())
            _record(connection, user, "select", {"shipments": selections.num_rows})

    def selections(self) -> pa.Table:
        """Every selection (`SELECTION_SCHEMA`), sorted."""
        query = sa.select(*(SELECTIONS.c[name] for name in SELECTION_SCHEMA.names)).order_by(
            SELECTIONS.c.selection_id, SELECTIONS.c.shipment_id
        )
        with self._read("reading selections in") as connection:
            return _arrow(connection.execute(query).all(), SELECTION_SCHEMA)

    # Audit

    def audit(self, user: str, action: str, detail: Mapping[str, Any]) -> None:
        """Add a line to the audit trail."""
        with self._write("writing the audit trail of") as connection:
            _record(connection, user, action, detail)

    def audit_trail(self, *, limit: int = 100) -> list[AuditEntry]:
        """The last lines of the audit trail, newest first."""
        query = sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        with self._read("reading the audit trail of") as connection:
            return [AuditEntry(**row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _read(self, action: str) -> Iterator[Connection]:
        with guard(self._engine, action), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self, action: str) -> Iterator[Connection]:
        with (
            guard(self._engine, action),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection


#: Order of runs: the one in force is the last by as-of day, then by the time it was made.
_IN_FORCE = (GRADING_RUNS.c.as_of, GRADING_RUNS.c.finished_at, GRADING_RUNS.c.run)
_GRADE = (
    sa.select(
        GRADES,
        *(GRADING_RUNS.c[name] for name in ("policy", "snapshot", "model", "as_of", "known_at")),
        RULE_SETS.c.reasons.label("texts"),
    )
    .join(GRADING_RUNS, GRADING_RUNS.c.run == GRADES.c.run)
    .join(RULE_SETS, RULE_SETS.c.policy_hash == GRADING_RUNS.c.policy_hash)
)


def _held(known_at: date | None) -> sa.ColumnElement[bool]:
    """Judgements that nobody has retired, or had by the end of a day."""
    if known_at is None:
        return JUDGEMENTS.c.deleted_at.is_(None)
    end = datetime.combine(known_at, time.max, UTC)
    retired = JUDGEMENTS.c.deleted_at
    return (JUDGEMENTS.c.created_at <= end) & (retired.is_(None) | (retired > end))


def _latest(ids: Sequence[str]) -> sa.Select[Any]:
    position = sa.func.row_number().over(
        partition_by=GRADES.c.enterprise_id, order_by=[part.desc() for part in _IN_FORCE]
    )
    ranked = (
        _GRADE.add_columns(position.label("position"))
        .where(GRADES.c.enterprise_id.in_(ids))
        .subquery()
    )
    return sa.select(ranked).where(ranked.c.position == 1)


def _grade(row: RowMapping) -> Grade:
    values = {name: row[name] for name in Grade.__dataclass_fields__ if name != "reasons"}
    return Grade(**values, reasons=expand_reasons(row["reasons"], row["texts"]))


def _checked(table: pa.Table, schema: pa.Schema, what: str) -> pa.Table:
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise LedgerError(f"the {what} have no column {', '.join(missing)}")
    return table.select(schema.names).cast(schema)


def _arrow(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _row(run: GradingRun) -> dict[str, Any]:
    return {**asdict(run), "counts": dict(run.counts)}


def _add_rule_set(connection: Connection, rules: RuleSet) -> None:
    known = sa.select(RULE_SETS.c.policy_hash).where(RULE_SETS.c.policy_hash == rules.policy_hash)
    if not connection.execute(known).first():
        row = {
            "policy_hash": rules.policy_hash,
            "policy": rules.policy,
            "content": rules.content,
            "reasons": {code: dict(texts) for code, texts in rules.reasons.items()},
            "created_at": datetime.now(UTC),
        }
        connection.execute(sa.insert(RULE_SETS).values(**row))


def _insert(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> int:
    made = connection.execute(sa.insert(table).values(**row).returning(table.c.id))
    return int(made.scalar_one())


def _record(connection: Connection, user: str, action: str, detail: Mapping[str, Any]) -> None:
    row = {"at": datetime.now(UTC), "user": user, "action": action, "detail": dict(detail)}
    connection.execute(sa.insert(AUDIT).values(**row))
