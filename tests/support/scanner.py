"""The scanner at the desk."""

from io import BytesIO

from PIL import Image
from pyzbar.pyzbar import ZBarSymbol, decode


def scanned(picture: bytes) -> str:
    """What a scanner reads from a PNG."""
    shades = Image.open(BytesIO(picture)).convert("L")
    (code,) = decode((shades.tobytes(), *shades.size), symbols=[ZBarSymbol.QRCODE])
    text: bytes = code.data
    return text.decode()
