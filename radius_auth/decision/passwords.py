"""The ways in which a guest proves to know a PIN."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nexio.input.pins import normalize_pin
from nexio.keys.purposes import VISIT_PIN

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


@dataclass(frozen=True, slots=True)
class Pap:
    """A password that we can read, whatever keyboard typed it (R8)."""

    typed: bytes = field(repr=False)
    pin: str | None = field(init=False, repr=False)
    """The PIN that is meant, or None where none can be."""

    def __post_init__(self) -> None:
        """Normalize what was typed."""
        object.__setattr__(self, "pin", normalize_pin(self.typed))

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
        return self.typed if self.pin is None else self.pin.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chap:
    """MD5 over ident, PIN and challenge (RFC 2865 §2.2); the PIN cannot be read from it."""

    ident: int
    response: bytes = field(repr=False)
    """16 octets."""

    challenge: bytes = field(repr=False)
    """CHAP-Challenge, or the Request Authenticator where there is none."""

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
