"""Delete or erase an account."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.conf import account_settings
from accounts.errors import LastAdministrator
from accounts.models import User
from accounts.services.profile import deletion, erasure
from cedrina_base.operator_commands import OperatorCommand

_RESULTS = {
    "would_delete": _("%(id)s: would delete, erased after %(erased_after)s."),
    "deleted": _("%(id)s: deleted, erased after %(erased_after)s."),
    "would_erase": _("%(id)s: would erase."),
    "erased": _("%(id)s: erased."),
}


class Command(OperatorCommand):
    help = gettext_noop(
        "Close somebody's account, to be erased when DELETION_RETENTION_DAYS have passed; --now erases at once and for "
        "good. Security events stay, without the person."
    )
    examples = ("erase_user mina --dry-run", "erase_user mina --yes")
    destroys = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("person", help=gettext("a username, an address or an id"))
        parser.add_argument("--now", action="store_true", help=gettext("erase at once; nothing can be restored"))
        self.add_reason_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        user = selectors.user_by_identifier_or_id(name=options["person"])
        if user is None:
            sentence = gettext("Nobody here has this name, address or id. Who was erased already is gone.")
            self.fail("not_found", sentence)
        is_now = options["now"]
        question = gettext("Erase %(username)s for good?") if is_now else gettext("Delete %(username)s?")
        self.confirm(question % {"username": user.username}, options)
        if options["dry_run"]:
            return self._result(user, "would_erase" if is_now else "would_delete")
        self._close(user, options["reason"])
        if is_now and erasure.erase_now(user_id=user.pk, now=timezone.now()):
            return {"result": "erased", "id": str(user.pk)}
        user.refresh_from_db(fields=["deleted_at"])
        return self._result(user, "deleted")

    def sentence(self, result: dict[str, Any]) -> str:
        return str(_RESULTS[result["result"]] % result)

    def _close(self, user: User, reason: str) -> None:
        try:
            deletion.close(user=user, reason=reason, now=timezone.now())
        except LastAdministrator as refusal:
            self.fail("last_administrator", str(refusal.message))

    def _result(self, user: User, result: str) -> dict[str, Any]:
        if result == "would_erase":
            return {"result": result, "id": str(user.pk)}
        at = (user.deleted_at or timezone.now()) + account_settings.DELETION_RETENTION
        return {"result": result, "id": str(user.pk), "erased_after": at.isoformat()}
