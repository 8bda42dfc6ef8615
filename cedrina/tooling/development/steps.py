"""The steps before the server starts. Each step does nothing when it was done before."""

import errno
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

from cedrina.serving import addresses
from cedrina.settings.development_secrets import development_secret
from cedrina.tooling.development.errors import StepFailed

ROOT = Path(__file__).resolve().parents[3]
DOTENV = ROOT / ".env"
ADMINISTRATOR = "admin"
ADDRESS = "admin@localhost.example"
SCHEMA_DIGEST = "schema-digest"


def manage(*arguments: str, stdin: str = "") -> str:
    """Run a command of manage.py and return what it printed.

    Raises: StepFailed with the command's own words.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StepFailed(f"manage.py {arguments[0]} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


def demand_development() -> None:
    """Refuse to be used for more than it is made for.

    Raises: StepFailed in staging and production.
    """
    environment = os.environ.get("CEDRINA_ENV", "development")
    if environment != "development":
        raise StepFailed(
            f"CEDRINA_ENV is {environment}, but make run is for development: it keeps its secrets in .data. "
            "docker-compose.yml and docs/development.md show the processes of production."
        )


def demand_free_port() -> tuple[str, int]:
    """Return the address on which the server will listen, having looked that nobody else does.

    Raises: StepFailed when the port is taken or is no port.
    """
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    try:
        addresses.demand_free_address(host, int(port))
        if host == "127.0.0.1" and socket.has_ipv6:
            _demand_free_on_ipv6(int(port))
    except (OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StepFailed(f"Cannot listen on {host}, port {port}: {reason}. Try another: make run PORT=8010.") from error
    return host, int(port)


def _demand_free_on_ipv6(port: int) -> None:
    """Look that nobody else answers `localhost`, which is ::1 first for many programs.

    Raises: OSError when the port is taken there. A machine without IPv6 is none.
    """
    try:
        addresses.demand_free_address("::1", port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise


def ensure_secrets(*, data: Path) -> None:
    """Take secrets that nobody gave from beside the data that they protect, made at the first start."""
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS"):
        if not os.environ.get(name) and not os.environ.get(f"{name}_FILE"):
            os.environ[name] = development_secret(name, directory=data)


def is_schema_current(*, data: Path) -> bool:
    """Return whether the database in `data` was last prepared with the migrations of this code.

    Then the server may load while `prepare` looks again; otherwise it would look for tables that are not there yet.
    """
    kept = data / SCHEMA_DIGEST
    return kept.exists() and kept.read_text(encoding="ascii") == _digest_of_migrations()


def prepare(*, data: Path) -> str | None:
    """Migrate and make the administrator.

    Return the password with which the administrator was made, or None when somebody else made the account. It stands in
    a file beside the database, readable by its owner alone, before the account is made with it: an interrupted first
    start must not leave an account whose password nobody knows.

    Raises: StepFailed when the database cannot be reached, a migration fails, or the account cannot be made.
    """
    kept = data / "admin-password"
    is_new = not kept.exists()
    if is_new:
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(18), encoding="ascii")
    password = kept.read_text(encoding="ascii")
    digest = _digest_of_migrations()
    answer = manage("prepare_development", "--username", ADMINISTRATOR, "--email", ADDRESS, stdin=password)
    (data / SCHEMA_DIGEST).write_text(digest, encoding="ascii")
    if is_new and json.loads(answer)["result"] != "created":
        kept.unlink()
        return None
    return password


def _digest_of_migrations() -> str:
    # Migrations of libraries change with the locked requirements.
    digest = hashlib.sha256((ROOT / "requirements" / "dev.txt").read_bytes())
    for path in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py")]):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
