"""Export security events to a file for a SIEM."""

import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina_base.operator_commands import USAGE, ReportingCommand
from security_events.errors import ExportFileError, HashesPruned
from security_events.exporters.formats import ExportFormat
from security_events.selectors.event_filters import EventFilter
from security_events.services.event_export import ExportRequest, export
from security_events.services.export_files import ExportState
from security_events.services.trail.export_companions import write_companions

_MEGABYTE = 1_000_000


class Command(ReportingCommand):
    help = gettext_noop(
        "Append security events to a file, in the order of the audit trail. Started again with the same options, it "
        "goes on where it ended, also after it was killed: no event is repeated and none is lost."
    )
    examples = ("export_security_events --output events.ndjson",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--output", type=Path, required=True, help=gettext("the file to append to"))
        parser.add_argument(
            "--format", choices=list(map(str, ExportFormat)), default="cedrina", help=gettext("the form of a line")
        )
        parser.add_argument("--since", type=_moment, help=gettext("the earliest moment, such as 2026-01-05T10:00:00Z"))
        parser.add_argument("--until", type=_moment, help=gettext("the moment that all events are before"))
        parser.add_argument("--follow", action="store_true", help=gettext("wait for further events until stopped"))
        parser.add_argument(
            "--checkpoint",
            action="store_true",
            help=gettext("also write FILE.checkpoint, by which verify_audit_trail verifies the file elsewhere"),
        )
        parser.add_argument(
            "--rotate-megabytes",
            type=_megabytes,
            help=gettext("rename the file to FILE.000001 and so on before it grows beyond this size"),
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        since, until = options["since"], options["until"]
        if until and (options["follow"] or (since and until < since)):
            self.fail("usage", gettext("Give --until neither with --follow nor before --since."), exit_code=USAGE)
        if options["checkpoint"] and (since or until or options["format"] != ExportFormat.CEDRINA):
            sentence = gettext("--checkpoint needs --format cedrina and no range: the trail is sealed as a whole.")
            self.fail("usage", sentence, exit_code=USAGE)
        request = ExportRequest(
            path=options["output"],
            export_format=ExportFormat(options["format"]),
            wanted=EventFilter(since=since, until=until),
            rotate_at=options["rotate_megabytes"] and options["rotate_megabytes"] * _MEGABYTE,
            has_checkpoint=options["checkpoint"],
        )
        stopped = _stop_by_signals() if options["follow"] else None
        try:
            state = export(request, stopped=stopped, progress=self._progress)
            sealed = write_companions(request.path) if request.export_format is ExportFormat.CEDRINA else None
        except HashesPruned as error:
            self.fail(error.code, str(error.message))
        except ExportFileError as error:
            self.fail(error.reason, error.sentence(request.path))
        except OSError as error:
            sentence = gettext("%(file)s can't be written: %(reason)s. Mend that and start again: it goes on.")
            self.fail("output_failed", sentence % {"file": error.filename or request.path, "reason": error.strerror})
        return {
            "result": "exported",
            "format": options["format"],
            "output": str(request.path),
            "rotated_files": state.rotated,
            "events": state.events,
            "cursor": state.cursor,
            "checkpoint_size": sealed,
        }

    def sentence(self, result: dict[str, Any]) -> str:
        sentence = ngettext(
            "%(events)d event is in %(output)s and the files rotated from it.",
            "%(events)d events are in %(output)s and the files rotated from it.",
            result["events"],
        )
        return sentence % result

    def _progress(self, state: ExportState) -> None:
        if sys.stderr.isatty() and not self.is_json:
            sys.stderr.write(f"\r{state.events:,}")
            sys.stderr.flush()


def _stop_by_signals() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set, so that the export ends behind a whole batch."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_args: stopped.set())
    return stopped


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(gettext("this is no moment, such as 2026-01-05T10:00:00Z")) from error
    if not 2000 <= moment.year < 3000:
        raise ArgumentTypeError(gettext("the year must be from 2000 to 2999"))
    return moment


def _megabytes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1_000_000):
        raise ArgumentTypeError(gettext("give a whole number of megabytes, from 1 to 1000000"))
    return int(text)
