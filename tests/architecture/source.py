"""The files of the project, without what is made from them or installed beside them."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "tokens", "ratelimiting", "security_events")
PRODUCT = (*APPS, "cedrina", "cedrina_base")
MADE = {"__pycache__", "node_modules", "staticfiles", "htmlcov", "results"}
TEXT = {".py", ".md", ".html", ".txt", ".toml", ".yml", ".yaml", ".in", ".conf", ".json", ".lua", ".css", ".sh", ""}


@cache
def files():
    """Return every file of the project by its path below the root."""
    found, folders = [], [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            name = path.name
            # Of hidden directories only .ci is ours; .venv, .data and the tools' caches are not.
            if path.is_dir() and name not in MADE and (not name.startswith(".") or name == ".ci"):
                folders.append(path)
            elif path.is_file() and not name.endswith((".pyc", ".mo")) and not name.startswith(".coverage"):
                found.append(path)
    return found


def python(*tops):
    """Return the Python files below these top directories, migrations aside."""
    return [
        path
        for path in files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in tops and "migrations" not in path.parts
    ]


def texts():
    return [path for path in files() if path.suffix in TEXT and path.name != "LICENSE"]


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(value):
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else None
