"""Delete the count of one key."""

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import FAILED, USAGE
from ratelimiting import keys
from ratelimiting.management.operator_command import RateLimitCommand
from ratelimiting.services import active_policies, enforcement
from ratelimiting.stores.protocol import StoreUnavailable


class Command(RateLimitCommand):
    help = gettext_noop("Forget what was counted under a key. Safe to run twice.")
    examples = ("ratelimit_reset rl:sign-in:ip=203.0.113.7",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key", help=gettext("policy:part=value,part=value, such as sign-in:ip=203.0.113.7"))
        parser.add_argument("--dry-run", action="store_true", help=gettext("only say what would be done"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        active_policies.refresh()
        key = keys.parse_key(options["key"], active_policies.current().policies)
        if key is None:
            self.fail(
                "usage",
                gettext("%(key)r is no key; ratelimit_status shows how each policy counts.") % {"key": options["key"]},
                exit_code=USAGE,
            )
        self.require_shared()
        if options["dry_run"]:
            return {"result": "would_reset", "key": key}
        try:
            number = enforcement.reset([key])
        except StoreUnavailable:
            self.fail("store_unavailable", gettext("The store does not answer; nothing was reset."), exit_code=FAILED)
        return {"result": "reset" if number else "nothing_counted", "key": key}

    def show(self, result: dict[str, Any]) -> None:
        sentences = {
            "reset": gettext("%(key)s begins anew."),
            "would_reset": gettext("%(key)s would begin anew."),
            "nothing_counted": gettext("%(key)s had nothing counted."),
        }
        self.stdout.write(sentences[result["result"]] % {"key": result["key"]})
