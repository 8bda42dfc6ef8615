"""The access policy in files: export, import and test them; go back to a version."""

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.utils.encoding import force_str
from django.utils.translation import gettext, gettext_noop

from accounts.access import errors
from accounts.access.management.policy_commands import export_file, import_file, restore_version, run_tests
from accounts.access.policy_files.documents import PolicyFileInvalid
from cedrina_base.operator_commands import OperatorCommand

# Each module has NAME, HELP, add_arguments(command, parser), perform(command, options) and lines(result).
POLICY_COMMANDS: dict[str, Any] = {
    module.NAME: module for module in (export_file, import_file, run_tests, restore_version)
}


class Command(OperatorCommand):
    help = gettext_noop("Keep the access policy in a file that people review: export it, test it, import it.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, module in POLICY_COMMANDS.items():
            one = actions.add_parser(name, help=gettext(module.HELP))
            super().add_arguments(one)
            module.add_arguments(self, one)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            report: dict[str, Any] = POLICY_COMMANDS[options["action"]].perform(self, options)
        except PolicyFileInvalid as error:
            self.fail("policy_invalid", force_str(error.sentence))
        except (errors.RuleInvalid, errors.RolesInvalid) as error:
            self.fail("policy_invalid", str(error))
        except errors.AccessError as error:
            self._refuse(error)
        return report

    def show(self, result: dict[str, Any]) -> None:
        for line in POLICY_COMMANDS[result["action"]].lines(result):
            self.stdout.write(line)

    def _refuse(self, error: errors.AccessError) -> NoReturn:
        match error:
            case errors.VersionNotFound():
                self.fail("not_found", gettext("There is no such version. See `/api/v1/admin/policies/versions`."))
            case errors.VersionMismatch():
                sentence = gettext("The policy was changed meanwhile. Export it again and merge your changes.")
                self.fail("version_mismatch", sentence)
            case errors.RoleInUse():
                sentence = gettext("The role %s is in use: take it from everybody first.") % error.role
                self.fail("already_in_use", sentence)
            case errors.LastAdministrator():
                sentence = gettext("After this nobody could administer access any more. Nothing was changed.")
                self.fail("permission_denied", sentence)
            case _:
                raise error
