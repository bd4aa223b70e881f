"""A QR code as a picture that a mail can carry."""

from __future__ import annotations

from io import BytesIO

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.pure import PyPNGImage

PIXELS = 6
"""Of one module: some 200 pixels for our codes, which a camera reads off a small phone."""

QUIET_ZONE = 4
"""Modules of white around the code (ISO/IEC 18004 section 6.3.8)."""


def qr_png(text: str) -> bytes:
    """A PNG, black on white whatever the colours of the mail program."""
    code = QRCode(
        error_correction=ERROR_CORRECT_M,
        box_size=PIXELS,
        border=QUIET_ZONE,
        image_factory=PyPNGImage,
    )
    code.add_data(text)
    picture = BytesIO()
    code.make_image().save(picture)
    return picture.getvalue()
