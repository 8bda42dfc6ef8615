"""Print a script of cedrina/operations/shell_completion."""

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cedrina.operations.shell_completion.command_words import all_commands
from cedrina.operations.shell_completion.scripts import SCRIPTS
from cedrina_base.operator_commands import ReportingCommand


class Command(ReportingCommand):
    help = gettext_noop("Print a script that completes the commands of manage.py and their options in your shell.")
    examples = ("shell_completion bash > /etc/bash_completion.d/cedrina", "shell_completion fish")
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("shell", choices=list(SCRIPTS), help=_("your shell"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"shell": options["shell"], "script": SCRIPTS[options["shell"]](all_commands())}

    def sentence(self, result: dict[str, Any]) -> str:
        return str(result["script"]).rstrip("\n")
