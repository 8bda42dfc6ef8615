"""``policies simulate``: say what a file would change, by proof and by the recorded decisions of the past days."""

import re
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from accounts.access.api.serializers.impacts import impact_body
from accounts.access.draft_changes import PolicyDocuments
from accounts.access.management.policy_commands.reading import add_file, policy_file
from accounts.access.services import policy_files
from accounts.access.services.drafts import editing
from accounts.access.services.impact.drafts import impact_of
from cedrina_base.operator_commands import USAGE, OperatorCommand

NAME = "simulate"
HELP = gettext_noop("say who gains and who loses what by a file, and which recorded decisions would be others")
_SPAN = re.compile(r"([0-9]{1,4})([hd])")
_LONGEST = timedelta(days=365)


def add_arguments(command: OperatorCommand, parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    del command
    add_file(parser)
    parser.add_argument(
        "--since",
        default="7d",
        metavar="SPAN",
        help=gettext("decide the recorded decisions of this time again: hours or days, such as 12h or 7d"),
    )


def perform(command: OperatorCommand, options: dict[str, Any]) -> dict[str, Any]:
    """Compare the file with the stored policy; nothing is changed. Raises: as ``policy_files.apply``."""
    span = _span(command, options["since"])
    file, now = policy_file(command, options["file"]), timezone.now()
    # Tried as an import is, so that a file that could not be imported is refused here, too.
    report = policy_files.apply(file, reason="simulation", now=now, is_kept=False)
    before = editing.present_documents()
    after = PolicyDocuments(_changed(before.rules, report.rules), _changed(before.roles, report.roles))
    impact = impact_of(before, after, since=now - span, now=now)
    return {"action": NAME, "version": report.version, **impact_body(impact)}


def lines(result: dict[str, Any]) -> Iterable[str]:
    """Return the report as text: how many gain and lose, with examples, then the recorded decisions."""
    gains, losses = result["gains"], result["losses"]
    yield gettext("By the rules: %(gains)d kinds of requests gain access, %(losses)d lose it.") % {
        "gains": gains,
        "losses": losses,
    }
    if not result["is_exact"]:
        yield gettext("There may be more: an exact answer would take too long. Change less at once.")
    yield from map(_example_line, result["examples"])
    history = result["history"]
    yield ngettext(
        "%(number)d recorded decision was made again, of which %(changed)d would be another one.",
        "%(number)d recorded decisions were made again, of which %(changed)d would be others.",
        history["evaluated"],
    ) % {"number": history["evaluated"], "changed": history["changed"]}
    if history["undecided"]:
        yield gettext("%d more depend on attributes that were not recorded.") % history["undecided"]
    if not history["is_complete"]:
        yield gettext("Only the newest records were looked at.")
    yield from map(_example_line, history["examples"])


def _example_line(example: Mapping[str, Any]) -> str:
    sign = "+" if example["after"] == "allow" else "-"
    rule = example["rule_after"] or example["rule_before"] or ""
    return f"{sign} {example['subject']} {example['action']} {example['object']}  {example['at']}  {rule}".rstrip()


def _changed(
    documents: Mapping[str, dict[str, Any]], pairs: Mapping[str, policy_files.Pair]
) -> dict[str, dict[str, Any]]:
    found = {key: document for key, document in documents.items() if key not in pairs}
    return {**found, **{key: dict(after) for key, (_before, after) in pairs.items() if after is not None}}


def _span(command: OperatorCommand, text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        command.fail("usage", gettext("--since is hours or days, such as 12h or 7d."), exit_code=USAGE)
    number = int(found[1])
    return min(_LONGEST, timedelta(hours=number) if found[2] == "h" else timedelta(days=number))
