"""Import all modules of Cedrina, and what their functions import when they are called.

So Python compiles all of it, and nothing that is missing in the image is noticed only by a person. Run it in the folder
of manage.py. Raises: ImportError, or zoneinfo.ZoneInfoNotFoundError.
"""

import ast
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import django

APPS = ("cedrina_base", "ratelimiting", "security_events", "tokens", "accounts", "cedrina")
# Libraries import these by names that they put together.
BY_NAME = ("channels_redis.core", "daphne.server", "granian.asgi", "granian.server", "uvicorn.lifespan.on", "uvloop")
# Reads policies from the database when it is imported.
NEEDS_DATABASE = {"dauthz.core"}
# Extras, and what is for development alone.
MAY_BE_MISSING = {"opentelemetry", "sentry_sdk", "babel", "cedrina.tooling"}


def main() -> int:
    """Import all that, and find a time zone of the base image."""
    django.setup()
    ZoneInfo("Asia/Tehran")
    for name in BY_NAME:
        import_module(name)
    for source in sorted(path for app in APPS for path in Path(app).glob("**/*.py")):
        for name in imported(source):
            if name not in NEEDS_DATABASE:
                load(name)
    return 0


def imported(source: Path) -> Iterator[str]:
    """Return the names of the modules that a file imports, at any place in it but for checkers of types."""
    nodes: list[ast.AST] = [ast.parse(source.read_text())]
    while nodes:
        node = nodes.pop()
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            nodes.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def load(name: str) -> None:
    """Import a module, unless it may be missing. Raises: ImportError."""
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if not any(missing == each or missing.startswith(f"{each}.") for each in MAY_BE_MISSING):
            raise


if __name__ == "__main__":
    sys.exit(main())
