"""The scanner at the desk."""

from io import BytesIO
from itertools import chain

import png
from pyzbar.pyzbar import ZBarSymbol, decode


def scanned(picture: bytes) -> str:
    """What a scanner reads from a PNG."""
    width, height, rows, info = png.Reader(BytesIO(picture)).asDirect()
    shades = bytes(255 * value // (2 ** info["bitdepth"] - 1) for value in chain(*rows))
    (code,) = decode((shades, width, height), symbols=[ZBarSymbol.QRCODE])
    text: bytes = code.data
    return text.decode()
