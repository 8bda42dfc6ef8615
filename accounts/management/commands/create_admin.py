"""Make an administrator."""

import json
import os
import secrets
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.errors import AccountError, DetailsInvalid
from accounts.services.addresses import uniqueness
from accounts.services.administration import administrators
from security_events.management.operator_command import LocalizedCommand

VARIABLE = "CREATE_ADMIN_PASSWORD"  # a variable, since arguments are shown to every user of the machine
FAILED = 1
USAGE = 2
_RESULTS = {
    "exists": _("The administrator %(username)s exists already."),
    "would_be_created": _("The administrator %(username)s would be made."),
    "created": _("The administrator %(username)s was made."),
}


class Command(LocalizedCommand):
    help = gettext_noop(
        "Make an administrator. The password is read from standard input, else from CREATE_ADMIN_PASSWORD, "
        "else made and printed once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--password-stdin", action="store_true", help=gettext("read the password from standard input")
        )
        parser.add_argument(
            "--if-missing", action="store_true", help=gettext("succeed when there is an administrator of that name")
        )
        parser.add_argument("--dry-run", action="store_true", help=gettext("only say what would be done"))
        parser.add_argument("--json", action="store_true", help=gettext("print one JSON object"))

    def handle(self, *_args: Any, **options: Any) -> None:
        username, email = options["username"], options["email"]
        existing = selectors.user_for_sign_in(name=username)
        if options["if_missing"] and existing is not None and "@" not in username:
            if not existing.is_superuser:
                sentence = gettext("Somebody who is no administrator has this name.")
                self._fail(options, code="username_taken", sentences=[sentence])
            self._say(options, result="exists", username=existing.username)
            return
        password, is_generated = self._password(options)
        try:
            if options["dry_run"]:
                user = administrators.judge(username=username, email=email, password=password)
                uniqueness.require_free(username=username, email_folded=user.email_folded)
                self._say(options, result="would_be_created", username=username)
                return
            administrators.create(username=username, email=email, password=password)
        except DetailsInvalid as refusal:
            sentences = [f"{problem.field}: {problem.message}" for problem in refusal.problems]
            self._fail(options, code=refusal.code, sentences=sentences)
        except AccountError as refusal:
            self._fail(options, code=refusal.code, sentences=[str(refusal.message)])
        generated = {"password": password} if is_generated else {}
        self._say(options, result="created", username=username, **generated)

    def _password(self, options: dict[str, Any]) -> tuple[str, bool]:
        if options["password_stdin"]:
            line = sys.stdin.readline().rstrip("\r\n")
            if not line:
                sentence = gettext("No password came on standard input.")
                self._fail(options, code="usage", sentences=[sentence], exit_code=USAGE)
            return line, False
        given = os.environ.get(VARIABLE, "")
        return (given, False) if given else (secrets.token_urlsafe(18), True)

    def _say(self, options: dict[str, Any], *, result: str, username: str, **more: str) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"result": result, "username": username, **more}))
            return
        self.stdout.write(_RESULTS[result] % {"username": username})
        if "password" in more:
            self.stdout.write(gettext("The password, shown this once: %(password)s") % more)

    def _fail(self, options: dict[str, Any], *, code: str, sentences: list[str], exit_code: int = FAILED) -> NoReturn:
        if options["json"]:
            self.stdout.write(json.dumps({"result": "failed", "code": code, "problems": sentences}))
        for sentence in sentences:
            self.stderr.write(sentence)
        raise SystemExit(exit_code)
