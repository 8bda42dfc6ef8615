"""Send errors of servers and of the background worker to a Sentry, if SENTRY_DSN names one. Off by default.

A report is built from the class of an error and the places in the code that it came through. It has no message, no
local variable, no request and no name: nothing has to be masked, because nothing of it is taken. The package
`sentry-sdk` is an extra (`cedrina[errors]`).
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from cedrina.version import VERSION

SAME_AGAIN_SECONDS = 60.0
# Different errors that are sent within that time. Whoever can cause a 500 can cause many.
MOST_AT_A_TIME = 30
_MOST_FRAMES = 40
_MOST_CAUSES = 4
_EVENT = re.compile(r"[a-z][a-z0-9_]{1,60}")  # as our own code names events; a sentence may quote anything
_SENT = frozenset(
    {
        "event_id",
        "timestamp",
        "level",
        "logger",
        "transaction",
        "exception",
        "release",
        "environment",
        "platform",
        "sdk",
    }
)


class ErrorReporter(logging.Handler):
    """A logging handler that hands the error of a log line on, the same one once a minute."""

    def __init__(self, send: Callable[[Any], Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.ERROR)
        self._send = send
        self._clock = clock
        self._sent_at: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            error = _error_of(record)
            if error is not None and self._is_new(error):
                self._send(report_of(error, record))
        except Exception:  # noqa: BLE001 - a report that can't be made must not fail what was reported
            self.handleError(record)

    def _is_new(self, error: BaseException) -> bool:
        now = self._clock()
        self._sent_at = {key: at for key, at in self._sent_at.items() if now - at < SAME_AGAIN_SECONDS}
        last: dict[str, Any] = next(reversed(list(_frames(error.__traceback__))), {})
        key = f"{type(error).__qualname__} {last.get('filename')} {last.get('lineno')}"
        if key in self._sent_at or len(self._sent_at) >= MOST_AT_A_TIME:
            return False
        self._sent_at[key] = now
        return True


def report_of(error: BaseException, record: logging.LogRecord) -> dict[str, Any]:
    """Return what is sent of an error, in the form of Sentry's events."""
    values = [
        {
            "type": type(each).__qualname__,
            "module": type(each).__module__,
            "stacktrace": {"frames": list(_frames(each.__traceback__))[-_MOST_FRAMES:]},
        }
        for each in _chain(error)
    ]
    name = record.msg.get("event") if isinstance(record.msg, dict) else None
    report: dict[str, Any] = {"level": "error", "logger": record.name, "exception": {"values": values[::-1]}}
    if isinstance(name, str) and _EVENT.fullmatch(name):
        report["transaction"] = name
    return report


def start(dsn: str, *, environment: str) -> None:
    """Report errors of this process from now on, unless ``dsn`` is empty."""
    if not dsn:
        return
    import sentry_sdk  # noqa: PLC0415 - an extra, which most installations do not have

    sentry_sdk.init(
        dsn=dsn,
        release=VERSION,
        environment=environment,
        server_name="",
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        send_client_reports=False,
        shutdown_timeout=2,
        before_send=only_what_is_sent,
    )
    logging.getLogger().addHandler(ErrorReporter(sentry_sdk.capture_event))


def only_what_is_sent(event: Any, _hint: Any) -> Any:
    """Take away whatever the library has added, such as the name of the machine."""
    return {name: value for name, value in event.items() if name in _SENT}


def _error_of(record: logging.LogRecord) -> BaseException | None:
    given: Any = record.exc_info
    if not given and isinstance(record.msg, dict):  # structlog keeps it in the line
        given = record.msg.get("exc_info")
    if given is True:
        return sys.exc_info()[1]
    if isinstance(given, BaseException):
        return given
    return given[1] if isinstance(given, tuple) and len(given) == 3 else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__


def _frames(traceback: TracebackType | None) -> Iterator[dict[str, Any]]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        yield {
            # The beginning of a path may have the name of a person.
            "filename": "/".join(Path(code.co_filename).parts[-3:]),
            "function": code.co_qualname if sys.version_info >= (3, 11) else code.co_name,
            "module": str(traceback.tb_frame.f_globals.get("__name__", "")),
            "lineno": traceback.tb_lineno,
        }
        traceback = traceback.tb_next
