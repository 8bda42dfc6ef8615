"""Secrets of a development machine: generated once, stored in a file, never used in production."""

import base64
import os
import secrets
from pathlib import Path

SECRET_KEY_BYTES = 48
FIELD_KEY_BYTES = 32


def development_secret(name: str, *, directory: Path) -> str:
    """Return the secret ``name`` from ``directory``. Generate it at the first use.

    Two processes that start together must get the same secret: the file is written under another name and then linked,
    so the second process reads the first one's file.
    """
    path = directory / "secrets" / name.lower()
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(_MAKERS[name](), encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii")


def _secret_key() -> str:
    return secrets.token_urlsafe(SECRET_KEY_BYTES)


def _field_keys() -> str:
    return f"dev1:{base64.b64encode(secrets.token_bytes(FIELD_KEY_BYTES)).decode()}"


_MAKERS = {"SECRET_KEY": _secret_key, "FIELD_ENCRYPTION_KEYS": _field_keys}
