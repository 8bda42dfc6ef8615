"""Make what detection rules see of past events again."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina_base.operator_commands import USAGE, OperatorCommand
from security_events.detection import rules
from security_events.services.detection import facts, rebuilding


class Command(OperatorCommand):
    help = gettext_noop(
        "Let detection rules see the events of the past weeks: after a rule was added that looks at types of events "
        "that no rule looked at, or after facts were lost. May be interrupted and run again."
    )
    examples = ("rebuild_detection_facts --dry-run",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--days", type=int, help=gettext("how far back; without it, as far as any rule looks"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        rules.load()
        longest = facts.longest_window().days
        days = longest if options["days"] is None else options["days"]
        if not 1 <= days <= longest:
            sentence = gettext("--days is a number from 1 to %(longest)d: no rule looks further back.")
            self.fail("usage", sentence % {"longest": longest}, exit_code=USAGE)
        since = timezone.now() - timedelta(days=days)
        if options["dry_run"]:
            return {"result": "would_rebuild", "days": days, "facts": rebuilding.count(since=since)}
        return {
            "result": "rebuilt",
            "days": days,
            "facts": rebuilding.rebuild(since=since, progress=self.progress),
        }

    def sentence(self, result: dict[str, Any]) -> str:
        number = result["facts"]
        if result["result"] == "would_rebuild":
            words = ngettext("%(facts)d event would be read.", "%(facts)d events would be read.", number)
        else:
            words = ngettext("Rules see %(facts)d past event.", "Rules see %(facts)d past events.", number)
        return words % result
