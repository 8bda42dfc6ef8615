"""Change a user's password. Replaces Django's command of this name and uses the services of this app."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.errors import AccountError, DetailsInvalid
from accounts.management import password_input
from accounts.services.passwords import operator_passwords
from cedrina_base.operator_commands import USAGE, OperatorCommand

_WOULD_CHANGE = _("The password of %(username)s would change.")


class Command(OperatorCommand):
    help = gettext_noop(
        "Change somebody's password, end all their sessions, the admin's too, and write to them. The password is asked "
        "for twice, or read from standard input."
    )
    examples = ("changepassword mina",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "username", nargs="?", help=gettext("whose; the name of the shell's user when it is left out")
        )
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, choices=[DEFAULT_DB_ALIAS])
        parser.add_argument(
            "--password-stdin", action="store_true", help=gettext("read the password from standard input")
        )
        self.add_reason_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        name = options["username"] or getpass.getuser()
        user = selectors.user_by_identifier(name=name)
        if user is None:
            self.fail("not_found", gettext("Nobody signs in as %(name)r.") % {"name": name})
        if options["dry_run"]:
            return {"result": "would_change", "username": user.username}
        password = self._password(is_piped=options["password_stdin"])
        try:
            ended = operator_passwords.change(
                user=user, password=password, reason=options["reason"], now=timezone.now()
            )
        except DetailsInvalid as refusal:
            self.fail(refusal.problems[0].code, " ".join(str(problem.message) for problem in refusal.problems))
        except AccountError as refusal:
            self.fail(refusal.code, str(refusal.message))
        return {"result": "changed", "username": user.username, "sessions": ended}

    def sentence(self, result: dict[str, Any]) -> str:
        if result["result"] == "would_change":
            return str(_WOULD_CHANGE % result)
        words = ngettext(
            "The password of %(username)s was changed; %(sessions)d session ended.",
            "The password of %(username)s was changed; %(sessions)d sessions ended.",
            result["sessions"],
        )
        return words % result

    def _password(self, *, is_piped: bool) -> str:
        password = password_input.from_standard_input() if is_piped else password_input.typed_twice()
        if password is None:
            self.fail("usage", gettext("No password was given. Nothing was changed."), exit_code=USAGE)
        return password
