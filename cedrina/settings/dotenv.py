"""Read the file `.env`. It holds settings, and names that certain other programs read; all other names are refused."""

import difflib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import environ

from cedrina.settings.environment import BASE_DIR, CLIENT_NAMES, KNOWN_NAMES, PREFIX, ConfigurationError

NEAR = 0.85  # two letters of twelve
# As django-environ reads a line: of others it logs the content.
_ASSIGNMENT = re.compile(r"(?:export )?([A-Za-z_0-9]+)=")
# What Docker Compose reads from the same file, in docker-compose.yml. Some are nearly the names of settings.
_COMPOSE = frozenset(
    {
        "ALERTMANAGER_PAGER_TOKEN",
        "ALERTMANAGER_SMTP_PASSWORD",
        "COMPOSE_REDIS_URL",
        "DIRECT_DATABASE_URL",
        "GRAFANA_PASSWORD",
        "MIGRATION_URL",
        "OWNER_PASSWORD",
        "PUBLISHED_PORT",
        "REDIS_PASSWORD",
        "REPLICATION_PASSWORD",
        "REPLICA_URL",
        "SERVING_PASSWORD",
        "SUPERUSER_PASSWORD",
        "WEB_DATABASE_URL",
    }
)
# Docker Compose itself reads COMPOSE_PROJECT_NAME, psql reads PGHOST, and so on. A name of another program that
# is not here belongs into a file of its own.
_OTHER_PROGRAMS = re.compile(
    r"(?:COMPOSE|DOCKER|BUILDKIT|BUILDX|POSTGRES|PIP|UV|PYTHON|LC|OTEL)_?[A-Z0-9_]+"
    r"|PG[A-Z]+|PYTHON[A-Z]+|CREATE_ADMIN_PASSWORD|DJANGO_(?:SETTINGS_MODULE|SUPERUSER_[A-Z]+)"
    r"|(?:HTTP|HTTPS|ALL|NO|http|https|all|no)_(?:PROXY|proxy)|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|TZ|LANG|LANGUAGE"
)


def read_dotenv(path: Path = BASE_DIR / ".env") -> None:
    """Read `.env` for the names that the environment does not have.

    Raises: ConfigurationError with a sentence for each fault: a file that can't be read, a line without a name, a name
        that is no setting. In the environment an unknown name may be any program's, but this file has settings.
    """
    text = _content(path)
    faults = list(_faults(text, path=path))
    if faults:
        raise ConfigurationError(faults)
    assignments = "\n".join(line for line in text.splitlines() if _ASSIGNMENT.match(line))
    environ.Env.read_env(io.StringIO(assignments), overwrite=False, parse_comments=True)


def _content(path: Path) -> str:
    """Return the text of the file, an empty one when there is no file.

    Raises: ConfigurationError, which never quotes the content. No cause is kept: the message of a decoding error quotes
        a byte of the file.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except IsADirectoryError:
        # Docker creates a folder where a file that it should mount is missing.
        sentence = f"{path} is a folder; remove it, and write settings into a file of that name."
    except UnicodeDecodeError:
        sentence = f"{path} is not encoded in UTF-8; save it in that encoding."
    except OSError as error:
        sentence = f"{path} can't be read: {error.strerror}; let the user of this process read it, or remove it."
    raise ConfigurationError([sentence])


def _faults(text: str, *, path: Path) -> Iterator[str]:
    """Yield a sentence for each fault. None contains a line, which may hold a secret; django-environ would log it."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        assignment = _ASSIGNMENT.match(line)
        if assignment is None:
            yield f"{path}, line {number} is neither NAME=value nor a comment that begins with #."
        elif "\0" in line:
            yield f"{path}, line {number} contains a NUL character; write the line again."
        elif not is_known(assignment[1]):
            yield f"{path}, line {number}: {assignment[1]} is not a setting. {_advice(assignment[1])}"


def is_known(name: str) -> bool:
    """Return whether a name may stand in `.env`: that of a setting, of a file with one, or of another program."""
    if name in KNOWN_NAMES or name in CLIENT_NAMES or name in _COMPOSE or name.startswith(PREFIX):
        return True  # `environment.load` refuses unknown names with the prefix
    return _OTHER_PROGRAMS.fullmatch(name) is not None and not _near(name)


def _advice(name: str) -> str:
    near = _near(name)
    return (
        f"Did you mean {near[0]}?"
        if near
        else "Remove it; if another program reads it, give that one a file of its own."
    )


def _near(name: str) -> list[str]:
    return difflib.get_close_matches(name.upper(), KNOWN_NAMES, 1, NEAR)
