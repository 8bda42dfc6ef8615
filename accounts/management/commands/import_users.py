"""Import people from the dump of another system."""

import hashlib
import json
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, TextIO

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, override
from django.utils.translation import gettext_lazy as _

from accounts.errors import ImportOvertaken
from accounts.importing.formats import FORMATS
from accounts.importing.parsed_users import ImportPolicy
from accounts.importing.refusals import REASONS
from accounts.importing.source_rows import FileType, HeaderUnusable, SourceRows
from accounts.models import ImportRun
from accounts.services.importing import import_run, import_storage
from cedrina_base.operator_commands import FAILED, USAGE, OperatorCommand

_LONGEST_SOURCE = 64
_COUNTS = {
    "imported": _(
        "%(read)d rows read: %(imported)d imported, %(already)d there already, %(refused)d refused, "
        "%(wrapped)d weak hashes wrapped."
    ),
    "would_import": _(
        "%(read)d rows read: %(imported)d would be imported, %(already)d there already, %(refused)d refused, "
        "%(wrapped)d weak hashes wrapped."
    ),
}


class Command(OperatorCommand):
    help = gettext_noop(
        "Import people, with their password hashes, from a CSV file or from JSON lines. Rows that can't be taken are "
        "named with their line and the reason, and the others are taken. May be killed and run again: it goes on where "
        "it stopped. Exit code 1 when rows were refused. See docs/importing-users.md."
    )
    examples = ("import_users people.csv --format keycloak --dry-run",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        option = parser.add_argument
        option("file", help=gettext("the dump; - for standard input, which can't go on where it stopped"))
        option("--format", choices=sorted(FORMATS), default="django", help=gettext("whose dump it is"))
        option("--type", choices=["csv", "jsonl"], help=gettext("when the file's name does not say it"))
        option("--source", help=gettext("a name for the system that the people come from; its format by default"))
        option("--report", help=gettext("a file to append the refused rows to, as JSON lines"))
        option("--again", action="store_true", help=gettext("begin at the first line again"))
        option("--trust-addresses", action="store_true", help=gettext("count every address as confirmed"))
        sentence = gettext("make another username of one that is not valid here")
        option("--derive-usernames", action="store_true", help=sentence)

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self._has_refusals:
            raise SystemExit(FAILED)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        source = options["source"] or options["format"]
        if not 0 < len(source) <= _LONGEST_SOURCE:
            sentence = gettext("A source has 1 to %(most)d characters.") % {"most": _LONGEST_SOURCE}
            self.fail("usage", sentence, exit_code=USAGE)
        policy = ImportPolicy(
            trusts_addresses=options["trust_addresses"], derives_usernames=options["derive_usernames"]
        )
        plan = import_run.ImportPlan(
            source=source, format=options["format"], policy=policy, is_dry_run=options["dry_run"]
        )
        try:
            with ExitStack() as stack:
                stream = self._opened(options["file"], stack)
                report = self._report_file(options["report"], stack)
                if not plan.is_dry_run:
                    stack.enter_context(import_run.exclusive())
                stack.callback(import_storage.drop_dry_run)
                return self._take(stream, plan, options, report)
        except HeaderUnusable as refusal:
            self.fail("usage", str(refusal), exit_code=USAGE)
        except ImportOvertaken as refusal:
            self.fail("import_running", str(refusal.message))

    def sentence(self, result: dict[str, Any]) -> str:
        resumed_after = result["resumed_after_line"]
        lines = [
            *([gettext("Resumed after line %(line)d.") % {"line": resumed_after}] if resumed_after else []),
            str(_COUNTS[result["result"]] % result),
            *(f"{count:>8}  {reason}: {REASONS[reason]}" for reason, count in sorted(result["by_reason"].items())),
        ]
        return "\n".join(lines)

    def _take(
        self, stream: BufferedReader, plan: import_run.ImportPlan, options: dict[str, Any], report: TextIO | None
    ) -> dict[str, Any]:
        now = timezone.now()
        run: ImportRun | None = None
        total = 0
        if options["file"] != "-":
            total = Path(options["file"]).stat().st_size
            if not plan.is_dry_run:
                digest = hashlib.file_digest(stream, "sha256").digest()
                stream.seek(0)
                run = import_run.begin(digest=digest, plan=plan, is_anew=options["again"], now=now)
        resumed_after = run.line if run else 0
        kind = self._kind(options)
        records = SourceRows(stream, kind, offset=run.offset if run else 0, line=resumed_after)
        missing = FORMATS[plan.format].missing(records.columns) if kind == "csv" else []
        if missing:
            sentence = gettext("These columns are missing: %(columns)s.") % {"columns": ", ".join(missing)}
            raise HeaderUnusable(sentence)
        callbacks = import_run.ImportCallbacks(
            refused=lambda line, reason: self._tell(line, reason, report),
            progress=lambda done: self.progress(done, total),
        )
        counts = import_run.import_rows(records=records, plan=plan, run=run, callbacks=callbacks, now=now)
        return self._summary(plan, counts, run, resumed_after)

    def _summary(
        self, plan: import_run.ImportPlan, counts: import_run.ImportCounts, run: ImportRun | None, resumed_after: int
    ) -> dict[str, Any]:
        if run is not None:  # of all runs of this file together
            run.refresh_from_db()
            counts = import_run.ImportCounts(
                read=run.read, imported=run.imported, already=run.already, wrapped=run.wrapped, refused=run.refused
            )
        self._has_refusals = counts.refusals > 0
        return {
            "result": "would_import" if plan.is_dry_run else "imported",
            "read": counts.read,
            "imported": counts.imported,
            "already": counts.already,
            "refused": counts.refusals,
            "by_reason": counts.refused,
            "wrapped": counts.wrapped,
            "resumed_after_line": resumed_after or None,
        }

    def _tell(self, line: int, reason: str, report: TextIO | None) -> None:
        if report is not None:
            with override("en"):
                report.write(json.dumps({"line": line, "reason": reason, "detail": str(REASONS[reason])}) + "\n")
            report.flush()
        else:
            self.stderr.write(gettext("line %(line)d: %(reason)s") % {"line": line, "reason": reason})

    def _kind(self, options: dict[str, Any]) -> FileType:
        if options["type"]:
            kind: FileType = options["type"]
            return kind
        suffix = Path(options["file"]).suffix.lower()
        if suffix == ".csv":
            return "csv"
        if suffix in (".jsonl", ".ndjson", ".json"):
            return "jsonl"
        sentence = gettext("The name does not say what the file is: give --type csv or --type jsonl.")
        return self.fail("usage", sentence, exit_code=USAGE)

    def _opened(self, name: str, stack: ExitStack) -> BufferedReader:
        if name == "-":
            return BufferedReader(FileIO(sys.stdin.fileno(), closefd=False))
        try:
            return stack.enter_context(Path(name).open("rb"))
        except OSError as error:
            return self.fail("usage", f"{name}: {error.strerror}.", exit_code=USAGE)

    def _report_file(self, name: str | None, stack: ExitStack) -> TextIO | None:
        if name is None:
            return None
        try:
            return stack.enter_context(Path(name).open("a", encoding="utf-8"))
        except OSError as error:
            return self.fail("usage", f"{name}: {error.strerror}.", exit_code=USAGE)
