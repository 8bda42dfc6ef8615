"""Reset the counters of failed sign-ins of a user."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from accounts import selectors
from accounts.services.passwords import attempts
from cedrina_base.operator_commands import OperatorCommand


class Command(OperatorCommand):
    help = gettext_noop(
        "Forget the failed sign-ins that are counted for one person, so that they need not wait any more."
    )
    examples = ("unlock_account mina",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help=gettext("the username or the e-mail address that the person signs in with"))
        self.add_reason_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        user = selectors.user_by_identifier(name=options["name"])
        if user is None:
            self.fail("not_found", gettext("Nobody signs in as %(name)r.") % options)
        if options["dry_run"]:
            return {"result": "would_unlock", "counts": selectors.count_failure_counters(user_id=user.pk)}
        return {
            "result": "unlocked",
            "counts": attempts.unlock(user=user, reason=options["reason"], now=timezone.now()),
        }

    def sentence(self, result: dict[str, Any]) -> str:
        number = result["counts"]
        if result["result"] == "would_unlock":
            return (
                ngettext("%(counts)d count would be cleared.", "%(counts)d counts would be cleared.", number) % result
            )
        return ngettext("%(counts)d count was cleared.", "%(counts)d counts were cleared.", number) % result
