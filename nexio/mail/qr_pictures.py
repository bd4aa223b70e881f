"""QR codes as pictures for mails and slips."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from math import hypot
from typing import Final

import png
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_M

QR_PIXELS: Final = 6
"""Pixels per module: some 200 for our codes, which a camera can read from a small phone."""

QR_QUIET_ZONE: Final = 4
"""Modules of white around the code (ISO/IEC 18004 section 6.3.8)."""

_BLACK, _WHITE = b"0", b"1"
"""Pixels, as the digits of a binary number."""

_SIGN: Final = 4.5
"""Modules from the middle of the code to the edge of the Wi-Fi sign."""


def qr_png(text: str, *, wifi: bool = False) -> bytes:
    """A QR code as a PNG, black on white whatever the colours of the mail program.

    Args:
        text: its content.
        wifi: draw a Wi-Fi sign into its middle; the code has enough redundancy for that.
    """
    code = QRCode(
        error_correction=ERROR_CORRECT_H if wifi else ERROR_CORRECT_M, border=QR_QUIET_ZONE
    )
    code.add_data(text)
    lines = [
        b"".join(_BLACK * QR_PIXELS if is_dark else _WHITE * QR_PIXELS for is_dark in line)
        for line in code.get_matrix()
    ]
    rows = [bytearray(line) for line in lines for _ in range(QR_PIXELS)]
    if wifi:
        _draw_sign(rows)
    picture = io.BytesIO()
    writer = png.Writer(len(rows), len(rows), greyscale=True, bitdepth=1)
    writer.write_packed(picture, map(_packed, rows))
    return picture.getvalue()


@lru_cache(maxsize=64)
def wifi_qr_png(ssid: str) -> bytes:
    """The picture of :func:`wifi_qr_text`, which all mails of a location share."""
    return qr_png(wifi_qr_text(ssid), wifi=True)


def wifi_qr_text(ssid: str) -> str:
    """The text with which a phone joins an open network: ``WIFI:T:nopass;S:Guests;;``.

    Then the network's login page asks for the PIN.
    """
    escaped = re.sub(r"([\\;,:\"])", r"\\\1", ssid)
    return f"WIFI:T:nopass;S:{escaped};;"


def _draw_sign(rows: list[bytearray]) -> None:
    """Draw the Wi-Fi sign into the middle, black on white."""
    middle, reach = len(rows) // 2, int(_SIGN * QR_PIXELS)
    for row in range(-reach, reach):
        for column in range(-reach, reach):
            x, y = ((each + 0.5) / QR_PIXELS for each in (column, row))
            rows[middle + row][middle + column] = ord(_BLACK if _is_in_sign(x, y) else _WHITE)


def _packed(row: bytearray) -> bytes:
    """Pack eight pixels into an octet, the first one in its highest bit."""
    octets = -(-len(row) // 8)
    return int(row.ljust(8 * octets, _BLACK), 2).to_bytes(octets, "big")


def _is_in_sign(x: float, y: float) -> bool:
    """Whether a point, in modules from the middle, is in the sign: a dot below two arcs."""
    right, up = x, 2.5 - y
    distance = hypot(right, up)
    in_arc = up > abs(right) and (2 < distance < 3.2 or 4.4 < distance < 5.6)  # noqa: PLR2004
    return in_arc or distance < 0.9  # noqa: PLR2004
