"""Update the comparison forms of stored addresses to the current rule, and list the addresses on hold."""

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts.services.addresses import address_refolding
from accounts.services.addresses.address_refolding import HoldReason
from cedrina_base.operator_commands import OperatorCommand

_MOST = 1000
_COUNTS = {
    "refolded": _("Addresses refolded: %(refolded)d. Put on hold: %(newly)d. On hold altogether: %(held)d."),
    "would_refold": _(
        "Addresses that would be refolded: %(refolded)d. That would go on hold: %(newly)d. On hold now: %(held)d."
    ),
}
_REASONS = {
    HoldReason.LOCAL_PART: _("There are other letters than ASCII before the at sign: no mail can be sent there."),
    HoldReason.DOMAIN_INVALID: _("The domain is none, so no mail can be sent there."),
    HoldReason.DOMAIN_CHANGED: _("Mail to it used to go to another domain, whose owner may have confirmed it."),
    HoldReason.TAKEN: _("Somebody else has the same address in another spelling."),
}


class Command(OperatorCommand):
    help = gettext_noop(
        "Compare all stored addresses by today's rule, and name the people whose address is on hold because nobody can "
        "tell whose it is. They sign in by username, nothing is mailed to them, and they can ask for another address. "
        "May be run at any time; run it once when the last server of the version before has ended. What to do about "
        "each stands in docs/personal-data.md."
    )
    examples = ("refold_addresses",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--most", type=int, default=_MOST, help=gettext("how many people to name at most"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        result = address_refolding.refold(is_trial=options["dry_run"])
        return {
            "result": "would_refold" if options["dry_run"] else "refolded",
            "refolded": result.refolded,
            "newly_held": {str(user_id): reason for user_id, reason in result.held.items()},
            "held": address_refolding.count_held(),
            "people": [
                {"id": str(each.id), "username": each.username, "email": each.email, "reason": each.reason}
                for each in address_refolding.held_addresses(most=options["most"])
            ],
            "connections": [
                {"id": str(each.id), "username": each.username, "provider": each.provider}
                for each in address_refolding.connections_by_former_rule()
            ],
        }

    def sentence(self, result: dict[str, Any]) -> str:
        counts = {**result, "newly": len(result["newly_held"])}
        lines = [
            str(_COUNTS[result["result"]] % counts),
            *(f"  {each['id']}  {each['reason']}  {each['username']}  {each['email']}" for each in result["people"]),
            *(f"  {user_id}  {reason}" for user_id, reason in self._to_come(result)),
            *(f"{reason}: {text}" for reason, text in _REASONS.items() if reason in _reasons_of(result)),
        ]
        if result["people"]:
            lines.append(
                gettext("They can ask for an address themselves; `manage.py release_address` sets one for them.")
            )
        if result["connections"]:
            lines.append(gettext("Accounts of providers that were joined by an address which is another one:"))
            lines += [f"  {each['id']}  {each['username']}  {each['provider']}" for each in result["connections"]]
        return "\n".join(lines)

    def _to_come(self, result: dict[str, Any]) -> list[tuple[str, str]]:
        return list(result["newly_held"].items()) if result["result"] == "would_refold" else []


def _reasons_of(result: dict[str, Any]) -> set[str]:
    return {person["reason"] for person in result["people"]} | set(result["newly_held"].values())
