"""The first form of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    _create_judgements()
    _create_grading()
    _create_decisions()


def _create_judgements() -> None:
    op.create_table(
        "judgements",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("left_kind", sa.String(32), nullable=False),
        sa.Column("left_id", sa.String(256), nullable=False),
        sa.Column("right_kind", sa.String(32), nullable=False),
        sa.Column("right_id", sa.String(256), nullable=False),
        sa.Column("judgement", sa.String(16), nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("derivation", sa.Text, nullable=False),
        sa.Column("user", sa.String(256), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_judgements"),
    )
    op.create_index(
        "ix_judgements_in_force",
        "judgements",
        ["right_kind", "left_kind", "left_id", "right_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _create_grading() -> None:
    op.create_table(
        "rule_sets",
        sa.Column("policy_hash", sa.String(64), nullable=False),
        sa.Column("policy", sa.String(128), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("policy_hash", name="pk_rule_sets"),
    )
    op.create_table(
        "grading_runs",
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("policy", sa.String(128), nullable=False),
        sa.Column("policy_hash", sa.String(64), nullable=False),
        sa.Column("snapshot", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128)),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("known_at", sa.Date, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("run", name="pk_grading_runs"),
        sa.ForeignKeyConstraint(
            ["policy_hash"], ["rule_sets.policy_hash"], name="fk_grading_runs_policy_hash"
        ),
    )
    op.create_table(
        "grades",
        sa.Column("enterprise_id", sa.String(256), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column("band", sa.String(8), nullable=False),
        sa.Column("probability", sa.Float),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("enterprise_id", "run", name="pk_grades"),
        sa.ForeignKeyConstraint(["run"], ["grading_runs.run"], name="fk_grades_run"),
    )
    op.create_index("ix_grades_run", "grades", ["run"])


def _create_decisions() -> None:
    op.create_table(
        "overrides",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("enterprise_id", sa.String(256), nullable=False),
        sa.Column("band", sa.String(8), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("user", sa.String(256), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_overrides"),
    )
    op.create_index("ix_overrides_enterprise_id", "overrides", ["enterprise_id"])
    op.create_table(
        "selections",
        sa.Column("selection_id", sa.String(64), nullable=False),
        sa.Column("shipment_id", sa.String(256), nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("wheel", sa.String(16), nullable=False),
        sa.Column("policy", sa.String(128), nullable=False),
        sa.Column("selected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("selection_id", "shipment_id", name="pk_selections"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user", sa.String(256), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
