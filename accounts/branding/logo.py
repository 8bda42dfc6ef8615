"""The application's logo: a PNG file, sent within mails and served to pages.

Only PNG: mail programs show no SVG, and an SVG file that is opened by its address can run scripts. Mails contain the
file, so that nobody learns when they are opened, as a picture at an address would tell.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

MAX_BYTES = 65_536  # it is a part of every mail
MAX_SIDE = 1024
HEIGHT = 40  # as it is shown, in CSS pixels
MAX_SHOWN_WIDTH = 240
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">I4sII")  # length, type, width, height of the first chunk (PNG, 5.3 and 11.2.1)


class LogoUnusable(Exception):
    """The file is no logo that can be shown. The message is a clause that follows the name of the setting."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A PNG file. ``width`` and ``height`` are those with which it is shown, in CSS pixels."""

    content: bytes = field(repr=False)
    width: int
    height: int

    @property
    def version(self) -> str:
        """A digest of the content, so that browsers may keep it for as long as it is the same."""
        return hashlib.sha256(self.content).hexdigest()[:16]


@lru_cache(maxsize=4)
def read(path: str) -> Logo:
    """Read a logo.

    Raises: LogoUnusable.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise LogoUnusable(f"must be the path of a PNG file that can be read: {reason}") from error
    if len(content) > MAX_BYTES:
        raise LogoUnusable(f"must be a file of at most {MAX_BYTES // 1024} KiB, because every mail contains it")
    width, height = _size(content)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise LogoUnusable(f"must be at most {MAX_SIDE} pixels wide and high")
    shown = min(HEIGHT, max(1, MAX_SHOWN_WIDTH * height // width))
    return Logo(content=content, width=max(1, round(width * shown / height)), height=shown)


def _size(content: bytes) -> tuple[int, int]:
    start = len(_SIGNATURE)
    header = content[start : start + 25]
    if not content.startswith(_SIGNATURE) or len(header) < 25:
        raise LogoUnusable("must be a PNG file; mail programs show no SVG, and SVG can run scripts")
    length, kind, width, height = _HEADER.unpack_from(header)
    checksum = int.from_bytes(header[21:25], "big")
    if (length, kind) != (13, b"IHDR") or zlib.crc32(header[4:21]) != checksum:
        raise LogoUnusable("must be a PNG file that is not damaged")
    return width, height
