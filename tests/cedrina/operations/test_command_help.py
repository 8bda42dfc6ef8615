"""Every command of an installation: help, examples that its parser takes, --json, and exit codes."""

import argparse
import shlex

import pytest
from django.core.management import get_commands, load_command_class

from cedrina_base.operator_commands import LocalizedCommand
from tests.for_each import for_each

OURS = ("accounts", "cedrina", "ratelimiting", "security_events", "tokens")
DJANGOS = {"migrate"}  # ours adds a step to it
INTERNAL = {"check_before_serving"}  # servers run it
# They run until they are stopped, or speak with somebody at the terminal.
WITHOUT_JSON = {"run_worker", "deliver_security_events", "createsuperuser", "preview_mail"}
COMMANDS = {name: app for name, app in sorted(get_commands().items()) if app in OURS and name not in DJANGOS | INTERNAL}


def parser_of(name):
    command = load_command_class(COMMANDS[name], name)
    return command, command.create_parser("manage.py", name)


def leaves(parser):
    """Yield the parsers of the subcommands, or the parser itself where there are none."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [each for action in found for each in action.choices.values()] or [parser]


class TestACommand:
    @for_each("name", COMMANDS)
    def test_says_what_it_does_and_ends_with(self, name):
        command, parser = parser_of(name)
        assert isinstance(command, LocalizedCommand)
        text = parser.format_help()
        assert len(command.help) > 20
        assert "Exit codes: 0 done, 1 failed or something was found, 2 wrong usage." in text
        for example in command.examples:
            assert f"  manage.py {example}\n" in text

    @for_each("name", COMMANDS)
    def test_has_examples_that_it_understands(self, name):
        command, parser = parser_of(name)
        assert command.examples
        for example in command.examples:
            first, *arguments = shlex.split(example.partition(" > ")[0])
            assert first == name
            parser.parse_args(arguments)

    @for_each("name", COMMANDS)
    def test_prints_an_object_for_programs(self, name):
        has_json = ["--json" in parser._option_string_actions for parser in leaves(parser_of(name)[1])]
        assert has_json == [name not in WITHOUT_JSON] * len(has_json)

    @for_each("name", COMMANDS)
    def test_ends_with_2_for_what_it_does_not_understand(self, name):
        command, parser = parser_of(name)
        command._called_from_command_line = True
        parser.called_from_command_line = True
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(["--no-such-option"])
        assert ended.value.code == 2
