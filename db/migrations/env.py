"""Alembic's entry: everything runs on the connection that `run.py` passed, in the transaction that it has open."""

from alembic import context

from db.schema import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
