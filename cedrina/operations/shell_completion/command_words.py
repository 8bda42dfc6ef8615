"""The words that can follow `manage.py`: commands, their subcommands, options and choices."""

import argparse
from dataclasses import dataclass, field

from django.core.management import get_commands, load_command_class

# The test runner and its kin are no commands of an installation.
_LEFT_OUT = frozenset({"test", "testserver", "startapp", "startproject", "runserver"})


@dataclass(frozen=True, slots=True)
class CommandWords:
    """What may follow a command: its options, and its subcommands with what may follow these."""

    summary: str
    options: tuple[str, ...] = ()
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    subcommands: dict[str, "CommandWords"] = field(default_factory=dict)


def all_commands() -> dict[str, CommandWords]:
    """Return what may follow each command of this installation."""
    return {
        name: _words(load_command_class(app, name).create_parser("manage.py", name))
        for name, app in sorted(get_commands().items())
        if name not in _LEFT_OUT
    }


def _words(parser: argparse.ArgumentParser, summary: str = "") -> CommandWords:
    options: list[str] = []
    choices: dict[str, tuple[str, ...]] = {}
    subcommands: dict[str, CommandWords] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list them; shtab does the same
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            summaries = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001 - as above
            subcommands = {name: _words(each, summaries.get(name, "")) for name, each in action.choices.items()}
            continue
        long = [option for option in action.option_strings if option.startswith("--")]
        if action.help != argparse.SUPPRESS:
            options += long
        if action.choices is not None:
            choices |= {option: tuple(str(each) for each in action.choices) for option in long}
    return CommandWords(summary or _first_sentence(parser.description or ""), tuple(options), choices, subcommands)


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")
