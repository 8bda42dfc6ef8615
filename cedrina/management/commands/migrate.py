"""Django's `migrate`, by the role that owns the tables. Then the serving role gets its privileges."""

from functools import partial
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate

from cedrina.database import migration_locks, privileges, table_owner


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Give the role of DATABASE_URL its privileges when DATABASE_MIGRATION_URL names another role."""
        role = table_owner.serving_role()
        with table_owner.as_table_owner():
            if role is not None and not privileges.role_exists(role):
                raise CommandError(f"The role {role} of DATABASE_URL does not exist. Create it, then migrate again.")
            migrate_once = partial(super().handle, *args, **options)
            migration_locks.until_locks_are_free(migrate_once, waiting=self._say_it_waits)
            if role is not None and not options["plan"] and not options["check_unapplied"]:
                statements = privileges.adjust_privileges(role=role)
                if options["verbosity"]:
                    self.stdout.write(f"Rights of {role}: {len(statements)} changed.")

    def _say_it_waits(self, attempt: int) -> None:
        if attempt == 1:
            self.stderr.write("A table is in use for long. Trying again until it is free; nothing waits meanwhile.")
