"""Show a mail with sample data."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from accounts.services.mailing import mail_previews
from accounts.services.mailing.mail_queue import MailKind
from cedrina_base.operator_commands import LocalizedCommand


class Command(LocalizedCommand):
    help = gettext_noop("Show a mail with sample data, in the application's name and colours. Nothing is sent.")
    examples = ("preview_mail", "preview_mail reset_password")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "kind", nargs="?", choices=[kind.value for kind in MailKind], help=gettext("without it, all are listed")
        )
        parser.add_argument(
            "--language", default=settings.LANGUAGE_CODE, choices=[code for code, _name in settings.LANGUAGES]
        )
        parser.add_argument("--html", type=Path, metavar="FILE", help=gettext("write the HTML to this file"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the subject, the sender and the text, or the list of all kinds.

        Raises: CommandError when the file can't be written.
        """
        if options["kind"] is None:
            for kind in MailKind:
                subject = mail_previews.sample(kind=kind, language=options["language"], now=timezone.now()).subject
                self.stdout.write(f"{kind:28}{subject}")
            return
        kind = MailKind(options["kind"])
        message = mail_previews.sample(kind=kind, language=options["language"], now=timezone.now())
        self.stdout.write(f"From: {message.from_email}\nSubject: {message.subject}\n\n{message.body}")
        if options["html"] is not None:
            try:
                options["html"].write_text(message.standalone_html(), encoding="utf-8")
            except OSError as error:
                sentence = gettext("The file %(path)s can't be written: %(reason)s.")
                raise CommandError(sentence % {"path": options["html"], "reason": error.strerror}) from error
