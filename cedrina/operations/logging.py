"""Logging by structlog, also of records of the standard library. Masking is the last step before layout."""

import logging
import logging.config
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from security_events.context import current
from security_events.masking import mask_mapping

EventDict = MutableMapping[str, Any]


def configure(options: dict[str, Any]) -> None:
    """Configure logging. Django calls it with ``settings.LOGGING``."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_correlation_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(options["FORMAT"])],
    }
    if options["FILE"]:
        handler = {"class": "logging.handlers.WatchedFileHandler", "filename": options["FILE"], "formatter": "lines"}
    else:
        handler = {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "lines"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": formatter},
            "handlers": {"out": handler},
            "root": {"handlers": ["out"], "level": options["LEVEL"]},
            "loggers": {
                # A refused request is no fault. Refusals that matter are security events.
                "django.request": {"level": "ERROR"},
                "django.security": {"level": "ERROR"},
                "procrastinate": {"level": "WARNING"},
                # It logs credential ids, by which a person could be followed through the log.
                "fido2": {"level": "WARNING"},
            },
        }
    )


def add_correlation_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add the correlation id of the current request."""
    request = current()
    if request.correlation_id:
        event.setdefault("correlation_id", request.correlation_id)
    return event


def mask_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Mask secrets, by the names of keys and by the form of values."""
    return mask_mapping(event)


def _rendering(form: str) -> list[Any]:
    """Return the last processors. Exceptions are formatted first, so that their text is masked."""
    if form == "json":
        return [structlog.processors.format_exc_info, mask_event, structlog.processors.JSONRenderer()]
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return [structlog.processors.format_exc_info, mask_event, console]
