"""The ledger's tables. `graph/store/migrations` brings a database to this form."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from graph.access import HIGHEST


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: given and read with its time zone, kept in UTC on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

JUDGEMENTS = Table(
    "judgements",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("left_kind", String(32), nullable=False),
    Column("left_id", String(256), nullable=False),
    Column("right_kind", String(32), nullable=False),
    Column("right_id", String(256), nullable=False),
    Column("judgement", String(16), nullable=False),
    Column("score", Float),
    Column("derivation", Text, nullable=False),
    Column("user", String(256), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    Column("marking", String(16), nullable=False, server_default=HIGHEST),
)
#: One judgement in force for a pair; retired ones stay.
Index(
    "ix_judgements_in_force",
    JUDGEMENTS.c.right_kind,
    JUDGEMENTS.c.left_kind,
    JUDGEMENTS.c.left_id,
    JUDGEMENTS.c.right_id,
    unique=True,
    sqlite_where=JUDGEMENTS.c.deleted_at.is_(None),
    postgresql_where=JUDGEMENTS.c.deleted_at.is_(None),
)

RULE_SETS = Table(
    "rule_sets",
    METADATA,
    Column("policy_hash", String(64), primary_key=True),
    Column("policy", String(128), nullable=False),
    Column("content", Text, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

GRADING_RUNS = Table(
    "grading_runs",
    METADATA,
    Column("run", String(64), primary_key=True),
    Column("policy", String(128), nullable=False),
    Column("policy_hash", String(64), ForeignKey("rule_sets.policy_hash"), nullable=False),
    Column("snapshot", String(64), nullable=False),
    Column("model", String(128)),
    Column("as_of", Date, nullable=False),
    Column("known_at", Date, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("counts", JSON, nullable=False),
)

GRADES = Table(
    "grades",
    METADATA,
    Column("enterprise_id", String(256), primary_key=True),
    Column("run", String(64), ForeignKey("grading_runs.run"), primary_key=True),
    Column("points", Float, nullable=False),
    Column("band", String(8), nullable=False),
    Column("probability", Float),
    Column("reasons", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
)
Index("ix_grades_run", GRADES.c.run)

OVERRIDES = Table(
    "overrides",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("enterprise_id", String(256), nullable=False, index=True),
    Column("band", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("user", String(256), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_on", Date, nullable=False),
    Column("deleted_at", UtcDateTime),
)

SELECTIONS = Table(
    "selections",
    METADATA,
    Column("selection_id", String(64), primary_key=True),
    Column("shipment_id", String(256), primary_key=True),
    Column("probability", Float, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("wheel", String(16), nullable=False),
    Column("policy", String(128), nullable=False),
    Column("selected_at", UtcDateTime, nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("user", String(256), nullable=False),
    Column("action", String(64), nullable=False),
    Column("detail", JSON, nullable=False),
)
