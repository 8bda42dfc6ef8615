"""Create an administrator. Replaces Django's command of this name and uses the service of ``create_admin``."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountError, DetailsInvalid
from accounts.management import password_input
from accounts.services.administration import administrators
from cedrina_base.operator_commands import USAGE, LocalizedCommand

_VARIABLES = {
    "username": "DJANGO_SUPERUSER_USERNAME",
    "email": "DJANGO_SUPERUSER_EMAIL",
    "password": "DJANGO_SUPERUSER_PASSWORD",
}
_QUESTIONS = {"username": _("Username:"), "email": _("E-mail address:")}


class Command(LocalizedCommand):
    help = gettext_noop(
        "Make an administrator, as create_admin does, by Django's usual arguments: what is left out is asked for, or "
        "with --noinput read from DJANGO_SUPERUSER_USERNAME, DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_PASSWORD."
    )
    examples = ("createsuperuser --username mina --email mina@example.org",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username")
        parser.add_argument("--email")
        parser.add_argument(
            "--noinput", "--no-input", action="store_false", dest="interactive", help=gettext("ask nothing")
        )
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, choices=[DEFAULT_DB_ALIAS])

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["interactive"] and not sys.stdin.isatty():
            self.fail("usage", gettext("There is no terminal to ask at. Give --noinput."), exit_code=USAGE)
        username, email = (self._given(name, options) for name in ("username", "email"))
        password = password_input.typed_twice() if options["interactive"] else os.environ.get(_VARIABLES["password"])
        if not (username and email and password):
            self.fail("usage", gettext("A username, an e-mail address and a password are needed."), exit_code=USAGE)
        try:
            administrators.create(username=username, email=email, password=password, now=timezone.now())
        except DetailsInvalid as refusal:
            self.fail(refusal.code, "\n".join(f"{each.field}: {each.message}" for each in refusal.problems))
        except AccountError as refusal:
            self.fail(refusal.code, str(refusal.message))
        self.stdout.write(gettext("The administrator %(username)s was made.") % {"username": username})

    def _given(self, name: str, options: dict[str, Any]) -> str:
        if options[name] or not options["interactive"]:
            return options[name] or os.environ.get(_VARIABLES[name], "")
        return input(f"{_QUESTIONS[name]} ").strip()
