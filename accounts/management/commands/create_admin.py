"""Create an administrator."""

import json
import os
import secrets
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.access.conf import ADMINISTRATOR
from accounts.errors import AccountError, DetailsInvalid
from accounts.rules.subject_facts import roles_at
from accounts.services.addresses import uniqueness
from accounts.services.administration import administrators
from cedrina_base.operator_commands import FAILED, USAGE, OperatorCommand

VARIABLE = "CREATE_ADMIN_PASSWORD"  # not an argument, because every user of the machine can read those
_RESULTS = {
    "exists": _("The administrator %(username)s exists already."),
    "would_be_created": _("The administrator %(username)s would be made."),
    "created": _("The administrator %(username)s was made."),
}


class Command(OperatorCommand):
    help = gettext_noop(
        "Make an administrator. The password is read from standard input, else from CREATE_ADMIN_PASSWORD, "
        "else made and printed once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--username", required=True)
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--password-stdin", action="store_true", help=gettext("read the password from standard input")
        )
        parser.add_argument(
            "--if-missing", action="store_true", help=gettext("succeed when there is an administrator of that name")
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        username, email = options["username"], options["email"]
        existing = selectors.user_by_identifier(name=username)
        if options["if_missing"] and existing is not None and "@" not in username:
            if ADMINISTRATOR not in roles_at(existing, timezone.now()):
                sentence = gettext("Somebody who is no administrator has this name.")
                self._fail(code="username_taken", sentences=[sentence])
            return {"result": "exists", "username": existing.username}
        password, is_generated = self._password(options)
        try:
            if options["dry_run"]:
                user = administrators.validate(username=username, email=email, password=password)
                uniqueness.require_free(username=username, email_folded=user.email_folded)
                return {"result": "would_be_created", "username": username}
            administrators.create(username=username, email=email, password=password, now=timezone.now())
        except DetailsInvalid as refusal:
            sentences = [f"{problem.field}: {problem.message}" for problem in refusal.problems]
            self._fail(code=refusal.code, sentences=sentences)
        except AccountError as refusal:
            self._fail(code=refusal.code, sentences=[str(refusal.message)])
        generated = {"password": password} if is_generated else {}
        return {"result": "created", "username": username, **generated}

    def sentence(self, result: dict[str, Any]) -> str:
        lines = [str(_RESULTS[result["result"]] % result)]
        if "password" in result:
            lines.append(gettext("The password, shown this once: %(password)s") % result)
        return "\n".join(lines)

    def _password(self, options: dict[str, Any]) -> tuple[str, bool]:
        if options["password_stdin"]:
            line = sys.stdin.readline().rstrip("\r\n")
            if not line:
                sentence = gettext("No password came on standard input.")
                self._fail(code="usage", sentences=[sentence], exit_code=USAGE)
            return line, False
        given = os.environ.get(VARIABLE, "")
        return (given, False) if given else (secrets.token_urlsafe(18), True)

    def _fail(self, *, code: str, sentences: list[str], exit_code: int = FAILED) -> NoReturn:
        """Exit like ``fail``, with one sentence for each problem."""
        if self.is_json:
            self.stdout.write(json.dumps({"result": "failed", "code": code, "problems": sentences}))
        for sentence in sentences:
            self.stderr.write(sentence)
        raise SystemExit(exit_code)
