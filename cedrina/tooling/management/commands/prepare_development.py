"""Migrate and make the administrator of `make run`, in one process: each start of Django takes longer than its work."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Bring the schema up to date, then make the administrator, whose password comes on standard input."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--email", required=True)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print what `create_admin --json` prints.

        Raises: CommandError; SystemExit of create_admin.
        """
        call_command("migrate", interactive=False, verbosity=0)
        call_command(
            "create_admin",
            username=options["username"],
            email=options["email"],
            if_missing=True,
            password_stdin=True,
            json=True,
        )
