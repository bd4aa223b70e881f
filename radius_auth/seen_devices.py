"""Which devices already got in, and with which token; bounded."""

from __future__ import annotations

MOST_OF_A_TOKEN = 32
"""Devices of one token that are trusted, the first ones.

Who gets in with ever new addresses fills neither memory nor disk by it.
"""

MOST = 65_536
"""Pairs of token and device; the oldest tokens go first."""


class SeenDevices:
    """Pairs of token and device."""

    def __init__(self) -> None:
        self._by_token: dict[int, list[str]] = {}
        self._by_device: dict[str, tuple[int, ...]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many pairs there are."""
        return self._count

    def tokens_of(self, device: str) -> tuple[int, ...]:
        """The tokens that a device got in with."""
        return self._by_device.get(device, ())

    def has_room(self, token: int, device: str) -> bool:
        """Whether :meth:`add` would change anything."""
        devices = self._by_token.get(token, ())
        return device not in devices and len(devices) < MOST_OF_A_TOKEN

    def add(self, token: int, device: str) -> None:
        """Remember a device."""
        if not self.has_room(token, device):
            return
        self._by_token.setdefault(token, []).append(device)
        self._by_device[device] = (*self._by_device.get(device, ()), token)
        self._count += 1
        if self._count > MOST:
            self._forget_oldest_token()

    def _forget_oldest_token(self) -> None:
        token = next(iter(self._by_token))
        for device in self._by_token.pop(token):
            rest = tuple(other for other in self._by_device[device] if other != token)
            if rest:
                self._by_device[device] = rest
            else:
                del self._by_device[device]
            self._count -= 1
