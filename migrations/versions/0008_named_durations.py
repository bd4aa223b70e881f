"""A length of Wi-Fi named at the registration; IPv4 addresses of NAS in their one spelling."""

from __future__ import annotations

import ipaddress

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MAPPED_PREFIX = 96
"""RFC 4291 section 2.5.5.2."""

NAS = sa.table("nas", sa.column("id"), sa.column("address"))


def upgrade() -> None:
    """Add a column to visits, and correct addresses that no packet could match."""
    # SQLite adds a constraint only together with a column.
    op.execute(
        "ALTER TABLE visit ADD COLUMN token_duration INTEGER"
        " CONSTRAINT ck_visit_token_duration CHECK (token_duration BETWEEN 60 AND 2592000)"
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(NAS.c.id, NAS.c.address)).all()
    before = {address for _, address in rows}
    for number, old in rows:
        address = ipv4_of(old)
        # Where the IPv4 address has a NAS already, that one works, maybe by another secret.
        if address is not None and address not in before:
            connection.execute(sa.update(NAS).where(NAS.c.id == number).values(address=address))


def ipv4_of(address: str) -> str | None:
    """The IPv4 network that an IPv6 one stands for, or None."""
    network = ipaddress.ip_network(address)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < MAPPED_PREFIX:
        return None
    return str(ipaddress.ip_network((mapped, network.prefixlen - MAPPED_PREFIX)))
