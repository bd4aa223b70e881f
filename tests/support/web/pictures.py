"""Pictures of a QR code, as a camera sees them; the code is the one in our own mail."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFilter

from nexio.mail.qr_pictures import qr_png

if TYPE_CHECKING:
    from pathlib import Path

SIZE: Final = (1280, 720)


def held(text: str, *, height: int = 420, turned: float = 0.0) -> Image.Image:
    """A phone with the code on its screen, before a wall."""
    code = Image.open(io.BytesIO(qr_png(text))).convert("L").resize((height, height))
    phone = Image.new("L", (height + 60, height + 160), 30)
    phone.paste(code, (30, 80))
    picture = Image.new("L", SIZE, 150)
    ImageDraw.Draw(picture).rectangle((0, 500, 1280, 720), fill=110)
    phone = phone.rotate(turned, expand=True, fillcolor=150)
    picture.paste(phone, ((SIZE[0] - phone.width) // 2, (SIZE[1] - phone.height) // 2))
    return picture.filter(ImageFilter.GaussianBlur(1))


def dark(picture: Image.Image) -> Image.Image:
    """In a lobby at night: little light, and little contrast."""
    return picture.point([12 + value // 6 for value in range(256)])


def noisy(picture: Image.Image) -> Image.Image:
    """A cheap camera."""
    grain = random.Random(7).randbytes(SIZE[0] * SIZE[1])
    return Image.blend(picture, Image.frombytes("L", SIZE, grain), 0.35)


def film(path: Path, *pictures: Image.Image, each: int = 30) -> Path:
    """A film for Chromium's camera (MJPEG), which shows it again and again."""
    with path.open("wb") as file:
        for picture in pictures:
            for _ in range(each):
                picture.convert("RGB").save(file, "JPEG", quality=80)
    return path
