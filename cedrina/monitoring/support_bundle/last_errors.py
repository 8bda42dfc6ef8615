"""The last errors: their classes, where in the code they were raised and when. Messages are left out.

A message may quote a row, an address or a part of a password; masking can't know all of their forms.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from cedrina.models import BackgroundJob, JobFailure

MOST = 100
_READ_BYTES = 1 << 20  # of the end of the log
_LEVELS = frozenset({"warning", "error", "critical"})
_EVENT = re.compile(r"[a-z][a-z0-9_]{1,60}")  # as our own code names events; a sentence may quote anything
_LOGGER = re.compile(r"[A-Za-z0-9_.]{1,100}")
_FRAME = re.compile(r'^\s*File "([^"\n]+)", line (\d+), in ([\w<>]+)$', re.MULTILINE)
_CLASS = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|[A-Z]\w+))(?::|$)", re.MULTILINE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?")
_FRAMES = 8


def job_failures() -> list[dict[str, Any]]:
    """Return the last failures of background jobs."""
    rows = list(JobFailure.objects.order_by("-failed_at")[:MOST])
    tasks = dict(BackgroundJob.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "task_name"))
    return [
        {"job": row.job_id, "task": tasks.get(row.job_id), "error": row.error, "failed_at": row.failed_at.isoformat()}
        for row in rows
    ]


def log_errors() -> list[dict[str, Any]]:
    """Return the last warnings and errors of LOG_FILE, if its lines are objects (LOG_FORMAT=json); the newest first."""
    path = settings.LOGGING["FILE"]
    if not path or settings.LOGGING["FORMAT"] != "json":
        return []
    found = list(_errors(_end_of(Path(str(path)))))
    return found[: -MOST - 1 : -1]


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ_BYTES))
            return file.read(_READ_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _errors(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in _LEVELS:
            yield _redacted(entry)


def _redacted(entry: dict[str, Any]) -> dict[str, Any]:
    raised = str(entry.get("exception", ""))
    frames = [f"{_place(path)}:{line} {name}" for path, line, name in _FRAME.findall(raised)]
    return {
        "at": _matching(_TIME, entry.get("timestamp")),
        "level": entry["level"],
        "logger": _matching(_LOGGER, entry.get("logger")),
        "event": _matching(_EVENT, entry.get("event")),
        "errors": _CLASS.findall(raised)[-3:],
        "frames": frames[-_FRAMES:],
    }


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _place(path: str) -> str:
    """Return the end of a path: the beginning may have the name of a person."""
    return "/".join(Path(path).parts[-3:])
