"""Judgements carry the highest marking of what they rest on; of older ones nobody knows it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; what was judged before counts as the highest."""
    op.add_column(
        "judgements", sa.Column("marking", sa.String(16), nullable=False, server_default="SECRET")
    )
