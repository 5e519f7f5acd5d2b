"""Runs the ledger's migrations on the connection that `graph.store.ledger` hands over."""

from alembic import context

from graph.store.ledger_tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
