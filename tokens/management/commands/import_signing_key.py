"""Publish a private key from a PEM file as the next signing key."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, OperatorCommand
from tokens.errors import SigningKeyUnusable
from tokens.services import keys


class Command(OperatorCommand):
    help = gettext_noop(
        "Publish a private key from a PEM file ('-' for standard input) as the next signing key. It must be of "
        "ACCESS_TOKEN_ALGORITHM."
    )
    examples = ("import_signing_key key.pem --dry-run",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", help=gettext("the PEM file"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            pem = sys.stdin.buffer.read() if options["file"] == "-" else Path(options["file"]).read_bytes()
        except OSError as error:
            unread = {"file": options["file"], "reason": error.strerror}
            self.fail("usage", gettext("%(file)s can't be read: %(reason)s.") % unread, exit_code=USAGE)
        try:
            if options["dry_run"]:
                return {"result": "would_import", "kid": keys.kid_of(pem), "signs_from": None}
            key = keys.rotate(now=timezone.now(), pem=pem)
        except SigningKeyUnusable as refusal:
            self.fail(refusal.code, f"{refusal.message} {refusal.context['reason']}")
        return {
            "result": "imported",
            "kid": key.kid,
            "algorithm": key.algorithm,
            "signs_from": key.activated_at.isoformat(),
        }

    def sentence(self, result: dict[str, Any]) -> str:
        if result["signs_from"] is None:
            return gettext("Key %(kid)s would be imported.") % result
        return gettext("Key %(kid)s (%(algorithm)s) is published and signs from %(signs_from)s.") % result
