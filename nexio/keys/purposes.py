"""What values are sealed for; ``nexio/store/sealed.py`` knows the column of each.

They stand here for whoever opens them without a store at hand, or needs no other table.
"""

from __future__ import annotations

from typing import Final

VISIT_PIN: Final = "visit.pin"
MEMBER_PIN: Final = "member.pin"
NAS_SECRET: Final = "nas.secret"
SIGNING_KEY: Final = "store_revision.signing_key"
USER_NAME: Final = "wifi_session.user_name"
PASS_SECRET: Final = "member_pass.secret"

SAVED_TABLE: Final = "kept-table"
"""What a server keeps on its disk, secrets of NAS included; its files add their name."""
