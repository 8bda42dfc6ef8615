"""Give the serving role exactly the privileges that it needs."""

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina.database import privileges, table_owner
from cedrina_base.operator_commands import USAGE, OperatorCommand


class Command(OperatorCommand):
    help = gettext_noop(
        "Grant the database role of DATABASE_URL what serving needs, and revoke from it what goes beyond, as the role "
        "of DATABASE_MIGRATION_URL. `migrate` does it too."
    )
    examples = ("grant_serving_role --dry-run",)
    # It repairs privileges without which a check may fail.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--role", help=gettext("another role than that of DATABASE_URL"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        role = options["role"] or table_owner.serving_role()
        with table_owner.as_table_owner():
            if role is None or privileges.is_current_role(role):
                sentence = gettext("Set DATABASE_MIGRATION_URL to the role that owns the tables, or give --role.")
                self.fail("usage", sentence, exit_code=USAGE)
            if not privileges.role_exists(role):
                self.fail("not_found", gettext("The database has no role %(role)r.") % {"role": role})
            statements = privileges.adjust_privileges(role=role, dry_run=options["dry_run"])
        return {
            "result": "would_change" if options["dry_run"] else "changed" if statements else "unchanged",
            "role": role,
            "statements": statements,
        }

    def sentence(self, result: dict[str, Any]) -> str:
        number = len(result["statements"])
        if result["result"] == "would_change":
            total = ngettext("%(number)d right would change.", "%(number)d rights would change.", number)
        else:
            total = ngettext("%(number)d right was changed.", "%(number)d rights were changed.", number)
        return "\n".join([*(f"{statement};" for statement in result["statements"]), total % {"number": number}])
