"""Verify the sealed trail of security events."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import FAILED, USAGE, ReportingCommand
from security_events.services.trail import verification, witnesses
from security_events.verifier import VerificationError
from security_events.verifier.command_line import trusted_keys, verify_export_file
from security_events.verifier.exports.checkpoint_files import read_notes
from security_events.verifier.reports import Report


class Command(ReportingCommand):
    help = gettext_noop(
        "Verify that no sealed security event was changed, removed, inserted or reordered, and that checkpoints are "
        "signed by the audit keys. Names the first wrong event or checkpoint, and says what is not covered. Exit code "
        "1 if something is wrong, 2 if it could not be verified."
    )
    examples = ("verify_audit_trail", "verify_audit_trail --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--checkpoint",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help=gettext("checkpoints that were kept elsewhere; they show a restored or rewritten trail"),
        )
        parser.add_argument(
            "--export", type=Path, metavar="FILE", help=gettext("verify this export instead of the database")
        )
        key = parser.add_mutually_exclusive_group()
        key.add_argument("--jwks", type=Path, metavar="FILE", help=gettext("the published keys, saved as a file"))
        key.add_argument(
            "--vkey",
            action="append",
            default=[],
            metavar="KEY",
            help=gettext("an audit key as it was printed: name+id+base64"),
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            self.report = self._verified(options)
        except (VerificationError, OSError) as error:
            sentence = gettext("The trail could not be verified: %(reason)s") % {"reason": error}
            self.fail("not_verified", sentence, exit_code=USAGE)
        return self.report.as_json()

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not self.report.ok:
            raise SystemExit(FAILED)

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write("\n".join(self.report.lines()))

    def _verified(self, options: dict[str, Any]) -> Report:
        keys = self._keys(options)
        now, of_witnesses = timezone.now(), witnesses.witness_keys()
        kept = [note for path in options["checkpoint"] for note in read_notes(path)]
        if options["export"] is None:
            return verification.verify(
                now=now, keys=keys, outside=kept, witnesses=of_witnesses, progress=self._progress
            )
        return verify_export_file(
            options["export"],
            keys=keys or verification.stored_trusted_keys(),
            outside=kept,
            witnesses=of_witnesses,
            now=now.timestamp(),
            progress=self._progress,
        )

    def _keys(self, options: dict[str, Any]) -> list[Any]:
        if not options["jwks"] and not options["vkey"]:
            return []
        return trusted_keys(jwks=options["jwks"], vkeys=options["vkey"])

    def _progress(self, done: int) -> None:
        if not self.is_json and sys.stderr.isatty():
            self.stderr.write(f"\r{done}", ending="")
