"""The short lines of a development machine: one for each request, each mail and each security event that matters.

Only development writes requests and mails, and a mail's line has the link with its token. With LOG_FORMAT=json all are
objects like any other log line, with their secrets masked.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

import structlog

from cedrina.http.paths import MONITORING_PATHS
from security_events.masking import mask_mapping

REQUEST, MAIL, EVENT = "cedrina.requests", "cedrina.mail", "cedrina.security"
LOGGERS = (REQUEST, MAIL, EVENT)
MAX_PATH_LENGTH, MAX_METHOD_LENGTH = 120, 10
# Their last segment is the secret of a mailed link.
_SECRET_PATHS = ("/account/confirm-email/", "/account/reset-password/", "/account/not-me/")
_LESS_THAN_MEDIUM = frozenset({"info", "low"})
_COLOURS = {"2": "32", "3": "36", "4": "33", "5": "31", "critical": "31", "high": "31", "medium": "33"}


class SeverityFilter(logging.Filter):
    """Lets security events pass from medium severity on, and with ``shows_all`` all of them."""

    def __init__(self, *, shows_all: bool) -> None:
        super().__init__()
        self._shows_all = shows_all

    def filter(self, record: logging.LogRecord) -> bool:
        values = record.msg if isinstance(record.msg, Mapping) else {}
        return self._shows_all or values.get("severity") not in _LESS_THAN_MEDIUM


def log_request(*, method: str, path: str, status: int, milliseconds: float) -> None:
    """Write the line of a request. ``path`` has no query string: there may be secrets in it.

    What monitoring asks every second is shown with LOG_LEVEL=DEBUG only.
    """
    level = logging.DEBUG if path in MONITORING_PATHS else logging.INFO
    structlog.get_logger(REQUEST).log(
        level, "request", method=method, path=shown_path(path), status=status, duration_ms=round(milliseconds, 1)
    )


def log_mail(*, recipient: str, subject: str, link: str) -> None:
    """Write the line of a mail that was handed over for delivery."""
    structlog.get_logger(MAIL).info("mail", recipient=recipient, subject=subject, link=link)


def shown_path(path: str) -> str:
    """Return a decoded path as a URL has it, cut to length, without the token of a mailed link.

    A terminal would obey the control characters of a decoded path.
    """
    for secret in _SECRET_PATHS:
        if path.startswith(secret):
            return f"{secret}…"
    text = quote(path[:MAX_PATH_LENGTH], safe="/:@!$&'()*+,;=~", errors="replace")
    return text if len(text) <= MAX_PATH_LENGTH and len(path) <= MAX_PATH_LENGTH else f"{text[:MAX_PATH_LENGTH]}…"


def render_line(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    """For structlog: return one short line. Masking is the last step, except for mails, which only development logs."""
    del name
    kind = event.get("logger", "")
    if kind == MAIL:
        return f"mail  {_printable(event['recipient'])}  {_printable(event['subject'])}  {_printable(event['link'])}"
    masked = mask_mapping(event)
    if kind == REQUEST:
        method = _printable(str(masked["method"]))[:MAX_METHOD_LENGTH]
        status = _coloured(str(masked["status"]), of=str(masked["status"])[:1])
        return f"{method:<6} {masked['path']}  {status}  {masked['duration_ms']:.0f} ms"
    return _event_line(masked)


def _event_line(event: Mapping[str, Any]) -> str:
    severity = str(event.get("severity", ""))
    parts = [str(event.get("type") or event.get("event", ""))]
    if event.get("outcome") == "failure":
        parts.append("failure")
    for label, name in (("by", "actor_name"), ("about", "target_name"), ("from", "ip_address")):
        if event.get(name):
            parts.append(f"{label} {event[name]}")
    parts += [f"{name}={event[name]}" for name in ("risk_reasons", "data") if event.get(name)]
    return "  ".join(["event", _coloured(severity, of=severity), *map(_printable, parts)])


def _printable(text: str) -> str:
    """Return a text whose control characters, line ends and directional controls are escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _coloured(text: str, *, of: str) -> str:
    """Return a text in colour if stderr is a terminal."""
    colour = _COLOURS.get(of)
    return text if colour is None or not sys.stderr.isatty() else f"\x1b[{colour}m{text}\x1b[0m"
