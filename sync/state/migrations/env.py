"""Alembic's entry: migrates the engine that the store hands over, with all scripts or none of them."""

from alembic import context

from sync.state.tables import Base

engine = context.config.attributes["engine"]

# Alembic assumes that SQLite's DDL is not transactional and would commit after each script, so the transaction is ours.
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    context.run_migrations()
