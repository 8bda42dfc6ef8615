"""PNG files, made by the specification: signature, IHDR, IDAT, IEND, each chunk with its checksum (PNG, 5)."""

import struct
import zlib


def png(width=200, height=50, *, trailing=b""):
    rows = b"".join(b"\0" + bytes([31, 111, 92]) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks) + trailing


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
