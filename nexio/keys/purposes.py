"""The purposes of sealed values; ``nexio/store/sealed.py`` knows the column of each.

They are here for code that unseals values without a store, or needs no other table.
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
"""The table that a server saves on its disk, with secrets of NAS; its files add their name."""
