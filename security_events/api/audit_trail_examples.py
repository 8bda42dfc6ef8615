"""Examples in the API documentation of the sealed trail. They are those of one tree of two leaves."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

NOTE = """id.example.org
2
OuW/pX/6dp2WNKhvOiYoaqaf1Q6gWF+AYfkCrV8DJ/c=

— id.example.org musBz3QB9O5WS8brVAuFWoOrgRuOt4vi7IQYtYw7etPem+3sAczAtNu4a7NV2g93MKaOAbPIVb8i0KkViNV5zCq4AwQ=
"""
HASHES = ["oa8DAjHKL9IOzzDFKUuvj2kyHQm7FqxTiFzNF6OFKA0="]
CHECKPOINT: dict[str, Any] = {
    "size": 2,
    "root": "OuW/pX/6dp2WNKhvOiYoaqaf1Q6gWF+AYfkCrV8DJ/c=",
    "note": NOTE,
    "created_at": "2026-01-05T10:00:00Z",
    "events_from": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12",
    "events_to": "019b8d5a-5e02-7c11-8b6a-3c1d2e4f5a6b",
    "cosignatures": [],
}
PROOF: dict[str, Any] = {"index": 1, "hashes": HASHES, "checkpoint": NOTE}
CONSISTENCY: dict[str, Any] = {"from": 1, "to": 2, "hashes": HASHES}
PROOF_FILE = OpenApiExample(
    "A proof file",
    response_only=True,
    media_type="text/plain",
    value=f"c2sp.org/tlog-proof@v1\nindex 1\n{HASHES[0]}\n\n{NOTE}",
)
NOTE_FILE = OpenApiExample("A signed note", response_only=True, media_type="text/plain", value=NOTE)
