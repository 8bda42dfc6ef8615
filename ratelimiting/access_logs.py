"""Parse lines of access logs: the common and combined formats, and JSON objects."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# 203.0.113.7 - ada [05/Jan/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 5 ...
_COMMON = re.compile(r'(\S+) \S+ (\S+) \[([^\]]+)\] "(\S+) (\S+)[^"]*"')
_TIMES = ("time", "timestamp", "ts", "@timestamp", "time_iso8601", "time_local")
_ADDRESSES = ("client_ip", "remote_addr", "ip", "address", "ip_address")
_PATHS = ("path", "uri", "request_uri", "url")
_METHODS = ("method", "request_method")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request as a line of a log describes it."""

    at: datetime
    address: str
    method: str
    path: str
    user: str | None = None
    tier: str | None = None
    members: tuple[tuple[str, str], ...] = ()


def parse_line(line: str) -> LoggedRequest | None:
    """Return the request of a line; None if the line has another format."""
    try:
        return _json(json.loads(line)) if line.lstrip().startswith("{") else _common(line)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _common(line: str) -> LoggedRequest | None:
    found = _COMMON.match(line)
    if found is None:
        return None
    address, user, time, method, path = found.groups()
    at = datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    return LoggedRequest(at, address, method.upper(), _path(path), None if user == "-" else user)


def _json(entry: Any) -> LoggedRequest | None:
    address, path, time = (_first(entry, names) for names in (_ADDRESSES, _PATHS, _TIMES))
    if address is None or path is None or time is None:
        return None
    texts = tuple((name, value) for name, value in entry.items() if isinstance(value, str))
    return LoggedRequest(
        _moment(time),
        str(address),
        str(_first(entry, _METHODS) or "GET").upper(),
        _path(str(path)),
        entry.get("user") or entry.get("user_id"),
        entry.get("tier"),
        texts,
    )


def _first(entry: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((entry[name] for name in names if entry.get(name) not in (None, "")), None)


def _moment(time: Any) -> datetime:
    if isinstance(time, (int, float)):
        return datetime.fromtimestamp(time, UTC)
    at = datetime.fromisoformat(str(time))
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _path(target: str) -> str:
    return target.partition("?")[0]
