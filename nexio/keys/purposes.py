"""What values are sealed for, where they are opened without a store at hand."""

from __future__ import annotations

from typing import Final

VISIT_PIN: Final = "visit.pin"
NAS_SECRET: Final = "nas.secret"

KEPT_TABLE: Final = "kept-table"
"""What a server keeps on its disk, secrets of NAS included; its files add their name."""
