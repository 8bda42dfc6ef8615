"""Logging by structlog, also of records of the standard library. Masking is the last step before layout."""

import logging
import logging.config
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from cedrina.settings.environment import ConfigurationError
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
    handler: dict[str, Any] = {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "lines"}
    if options["FILE"]:
        _demand_writable(options["FILE"])
        handler = {
            "class": "cedrina.operations.log_file.LogFileHandler",
            "filename": options["FILE"],
            "formatter": "lines",
        }
    config: dict[str, Any] = {
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
            # It logs a traceback each second while Redis is away. security_events.live says once that hints stay away.
            "channels_redis": {"level": "CRITICAL"},
            # It logs credential ids, by which a person could be followed through the log.
            "fido2": {"level": "WARNING"},
        },
    }
    if options.get("HAS_SHORT_LINES"):
        _add_short_lines(config, shows_all=options["LEVEL"] == "DEBUG")
    logging.config.dictConfig(config)


def _demand_writable(path: str) -> None:
    """Open the log file once.

    Raises: ConfigurationError, instead of logging's ValueError without a reason.
    """
    try:
        with Path(path).open("a", encoding="utf-8"):
            pass
    except OSError as error:
        sentence = (
            f"LOG_FILE can't be written: {path}: {error.strerror}. Name another file, or leave it out for stderr."
        )
        raise ConfigurationError([sentence]) from None


def _add_short_lines(config: dict[str, Any], *, shows_all: bool) -> None:
    """Let requests, mails and security events be short lines, as a person at a terminal reads them."""
    from cedrina.operations import console_lines  # noqa: PLC0415 - production has no use for it

    config["formatters"]["short"] = {
        **config["formatters"]["lines"],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, console_lines.render_line],
    }
    config["filters"] = {"severity": {"()": console_lines.SeverityFilter, "shows_all": shows_all}}
    config["handlers"]["short"] = {**config["handlers"]["out"], "formatter": "short", "filters": ["severity"]}
    config["loggers"] |= {name: {"handlers": ["short"], "propagate": False} for name in console_lines.LOGGERS}
    if not shows_all:  # a checkpoint has five lines, and comes each ten seconds while something happens
        config["loggers"]["security_events.services.trail.sealing"] = {"level": "WARNING"}


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
