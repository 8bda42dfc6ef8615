"""Replace the address of an account that is on hold."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.errors import AccountError, DetailsInvalid, NotFound
from accounts.services.addresses import address_release
from cedrina_base.operator_commands import OperatorCommand

_RESULTS = {
    "would_release": _("%(id)s would get the address %(email)s, and a mail to confirm it."),
    "released": _("%(id)s has the address %(email)s, and a mail to confirm it is on its way."),
}


class Command(OperatorCommand):
    help = gettext_noop(
        "Give somebody whose address is on hold the address that you know to be theirs: another one, or the same. "
        "It counts as confirmed when they have followed the link that is mailed there."
    )
    examples = ("release_address mina mina@example.org",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("person", help=gettext("a username or an id"))
        parser.add_argument("email", help=gettext("the address"))
        self.add_reason_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        user = selectors.user_by_identifier_or_id(name=options["person"])
        if user is None:
            self.fail("not_found", gettext("Nobody here has this name, address or id."))
        try:
            address = address_release.release(
                user=user,
                email=options["email"],
                is_trial=options["dry_run"],
                reason=options["reason"],
                now=timezone.now(),
            )
        except NotFound:
            self.fail("not_on_hold", gettext("The address of this person is not on hold."))
        except DetailsInvalid as refusal:
            self.fail(refusal.code, " ".join(str(problem.message) for problem in refusal.problems))
        except AccountError as refusal:
            self.fail(refusal.code, str(refusal.message))
        return {"result": "would_release" if options["dry_run"] else "released", "id": str(user.pk), "email": address}

    def sentence(self, result: dict[str, Any]) -> str:
        return str(_RESULTS[result["result"]] % result)
