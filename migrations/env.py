"""Runs the migrations, on the connection of ``nexio db upgrade`` or for ``alembic`` itself."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from nexio.configuration import Configuration
from nexio.store.engine import connect
from nexio.store.tables import Row, add_conditions_for_postgresql


def run(connection: Connection) -> None:
    """Run what was asked for inside the connection's transaction."""
    add_conditions_for_postgresql()
    context.configure(
        connection=connection,
        target_metadata=Row.metadata,
        compare_type=True,
        compare_server_default=True,
        render_as_batch=connection.dialect.name == "sqlite",
        on_version_apply=context.config.attributes.get("applied"),
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with connect(Configuration.from_environment(os.environ).database_url).begin() as opened:
        run(opened)
