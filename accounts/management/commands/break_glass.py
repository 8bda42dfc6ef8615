"""Let a person do everything for minutes, when the policy itself is broken."""

from argparse import ArgumentParser
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from accounts import selectors
from accounts.errors import AccountError, DetailsInvalid
from accounts.services.administration import break_glass
from accounts.services.administration.operator_action import LONGEST_REASON
from cedrina_base.operator_commands import USAGE, OperatorCommand


class Command(OperatorCommand):
    help = gettext_noop(
        "Let a person do everything for some minutes, whatever the policy says, even one that can't be read. It is "
        "recorded as critical, and all administrators are mailed."
    )
    examples = ('break_glass mina --minutes 30 --reason "the policy denies everything"',)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("person", help=gettext("a username, an address or an id"))
        parser.add_argument("--minutes", type=int, required=True, help=gettext("for how long, at most 60"))
        parser.add_argument("--reason", required=True, help=gettext("why, for the audit trail"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        reason = options["reason"].strip()
        if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
            self.fail("usage", gettext("The reason must be 1 to 200 characters on one line."), exit_code=USAGE)
        user = selectors.user_by_identifier_or_id(name=options["person"])
        if user is None:
            self.fail("not_found", gettext("Nobody here has this name, address or id."))
        try:
            with transaction.atomic():
                started = break_glass.start(
                    user=user, by=None, reason=reason, minutes=options["minutes"], now=timezone.now()
                )
                transaction.set_rollback(options["dry_run"])
        except DetailsInvalid as refusal:
            self.fail("usage", "\n".join(str(problem.message) for problem in refusal.problems), exit_code=USAGE)
        except AccountError as refusal:
            self.fail(refusal.code, str(refusal.message))
        return {
            "result": "would_be_started" if options["dry_run"] else "started",
            "username": user.username,
            "minutes": options["minutes"],
            "ends_at": started.ends_at.isoformat(),
        }

    def sentence(self, result: dict[str, Any]) -> str:
        minutes = result["minutes"]
        if result["result"] == "would_be_started":
            return (
                ngettext(
                    "%(username)s could do everything for %(minutes)d minute.",
                    "%(username)s could do everything for %(minutes)d minutes.",
                    minutes,
                )
                % result
            )
        return (
            ngettext(
                "%(username)s can do everything for %(minutes)d minute.",
                "%(username)s can do everything for %(minutes)d minutes.",
                minutes,
            )
            % result
        )
