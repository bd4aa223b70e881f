"""The passwords of PAP and CHAP, and how they are compared with PINs."""

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
    """A password that can be compared with the PIN of a visit."""

    def matches(self, visit: FollowedVisit, keyring: Keyring) -> bool:
        """Whether it is the visit's PIN; in constant time."""

    def pin_alone(self, user_name: bytes) -> str | None:
        """The PIN that identifies the guest where the PIN alone logs in (R9), or None."""

    def could_be_pin(self) -> bool:
        """Whether it has the form of a PIN; anything else is no guess."""

    def sample(self) -> bytes:
        """Octets that are equal if the same password is tried again; as secret as the password."""


class Pap:
    """A password in clear, whatever keyboard typed it (R8); immutable."""

    __slots__ = ("_octets", "pin", "typed")

    def __init__(self, typed: bytes) -> None:
        self.typed = typed
        # Most guests type their PIN in plain digits.
        is_plain = SHORTEST_PIN <= len(typed) <= LONGEST_PIN and typed.isdigit()
        self.pin = typed.decode() if is_plain else normalize_pin(typed)
        """The PIN that is meant, or None if it cannot be one."""

        self._octets = typed if is_plain or self.pin is None else self.pin.encode()

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Pap()"

    def __eq__(self, other: object) -> bool:
        """Whether the same was typed."""
        return isinstance(other, Pap) and other.typed == self.typed

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash(self.typed)

    def is_in(self, octets: bytes) -> bool:
        """Whether other octets contain the PIN, as it is or as it was typed."""
        if self.pin is None:
            return False
        # Not "in", which first tests for a number (``python -m benchmarks.path``).
        return octets.find(self.typed) >= 0 or octets.find(self._octets) >= 0

    def matches(self, visit: FollowedVisit, keyring: Keyring) -> bool:
        """Compare digests, so that no PIN is decrypted."""
        digest = keyring.digest(visit.location_id, self.pin or "")
        return hmac.compare_digest(digest, visit.pin_digest)

    def pin_alone(self, user_name: bytes) -> str | None:
        """The password itself; the User-Name may be anything."""
        del user_name
        return self.pin

    def could_be_pin(self) -> bool:
        """Whether it is 5 to 10 digits, as it is not if another shared secret has hidden it."""
        return self.pin is not None

    def sample(self) -> bytes:
        """The PIN that is meant, or else what was typed."""
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
        """Compute the response for the visit's PIN, and compare."""
        pin = keyring.unseal(visit.pin_sealed, VISIT_PIN).encode()
        expected = hashlib.md5(bytes([self.ident]) + pin + self.challenge).digest()
        return hmac.compare_digest(expected, self.response)

    def pin_alone(self, user_name: bytes) -> str | None:
        """The User-Name must be the PIN then (R9)."""
        return normalize_pin(user_name)

    def could_be_pin(self) -> bool:
        """True, as the response does not reveal it."""
        return True

    def sample(self) -> bytes:
        """Ident, response and challenge; another challenge gives another sample."""
        return bytes([self.ident]) + self.response + self.challenge
