"""The ways in which a guest proves to know a PIN."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nexio.input.pins import normalize_pin
from nexio.keys.purposes import VISIT_PIN
from nexio.locations.settings import LONGEST_PIN, SHORTEST_PIN

if TYPE_CHECKING:
    from nexio.keys.keyring import Keyring
    from nexio.network.following import FollowedVisit


class Password(Protocol):
    """What can be held against the PIN of a visit."""

    def matches(self, visit: FollowedVisit, keyring: Keyring) -> bool:
        """Whether it is the visit's PIN; in constant time."""

    def pin_alone(self, user_name: bytes) -> str | None:
        """The PIN that identifies the guest where the PIN alone logs in (R9), or None."""

    def could_be_pin(self) -> bool:
        """Whether it can be anybody's PIN; what cannot is no guess."""

    def sample(self) -> bytes:
        """What is equal where the same password is tried again; as secret as the password."""


class Pap:
    """A password that we can read, whatever keyboard typed it (R8); never changed once made."""

    __slots__ = ("_octets", "pin", "typed")

    def __init__(self, typed: bytes) -> None:
        self.typed = typed
        # Most type their PIN as it is.
        is_plain = SHORTEST_PIN <= len(typed) <= LONGEST_PIN and typed.isdigit()
        self.pin = typed.decode() if is_plain else normalize_pin(typed)
        """The PIN that is meant, or None where none can be."""

        self._octets = typed if is_plain or self.pin is None else self.pin.encode()

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Pap()"

    def __eq__(self, other: object) -> bool:
        """Whether the same was typed."""
        return isinstance(other, Pap) and other.typed == self.typed

    def __hash__(self) -> int:
        """As equality asks for."""
        return hash(self.typed)

    def is_in(self, octets: bytes) -> bool:
        """Whether the PIN, or what was typed as one, is among other octets."""
        if self.pin is None:
            return False
        # Not "in", which tries at first whether it is a number (``python -m benchmarks.path``).
        return octets.find(self.typed) >= 0 or octets.find(self._octets) >= 0

    def matches(self, visit: FollowedVisit, keyring: Keyring) -> bool:
        """Compare digests, so that no PIN is unsealed for it."""
        digest = keyring.digest(visit.location_id, self.pin or "")
        return hmac.compare_digest(digest, visit.pin_digest)

    def pin_alone(self, user_name: bytes) -> str | None:
        """The password itself; the User-Name may be anything."""
        del user_name
        return self.pin

    def could_be_pin(self) -> bool:
        """Whether it is 5 to 10 digits; what another secret has hidden is not."""
        return self.pin is not None

    def sample(self) -> bytes:
        """The PIN that is meant, or what was typed where it is none."""
        return self._octets


class Chap(NamedTuple):
    """MD5 over ident, PIN and challenge (RFC 2865 §2.2); the PIN cannot be read from it."""

    ident: int
    response: bytes
    """16 octets."""

    challenge: bytes
    """CHAP-Challenge, or the Request Authenticator where there is none."""

    def __repr__(self) -> str:
        """Nothing that could be tried against all PINs."""
        return f"Chap(ident={self.ident})"

    def matches(self, visit: FollowedVisit, keyring: Keyring) -> bool:
        """Compute what the visit's PIN would have answered."""
        pin = keyring.unseal(visit.pin_sealed, VISIT_PIN).encode()
        expected = hashlib.md5(bytes([self.ident]) + pin + self.challenge).digest()
        return hmac.compare_digest(expected, self.response)

    def pin_alone(self, user_name: bytes) -> str | None:
        """The User-Name must be the PIN then (R9)."""
        return normalize_pin(user_name)

    def could_be_pin(self) -> bool:
        """Nobody sees that."""
        return True

    def sample(self) -> bytes:
        """The response to this challenge; to another one the same password answers otherwise."""
        return bytes([self.ident]) + self.response + self.challenge
