"""Give roles to service clients and take them."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext, gettext_noop

from accounts.access import selectors as access_selectors
from accounts.access.api.problems import as_api_exception
from accounts.access.errors import AccessError
from accounts.errors import AccountError
from accounts.rules.subject_facts import CLIENT
from accounts.services.administration import client_roles
from cedrina_base.operator_commands import USAGE, OperatorCommand
from tokens import selectors
from tokens.errors import TokenError
from tokens.models import ServiceClient


class Command(OperatorCommand):
    help = gettext_noop(
        "Give roles to service clients and take them. A role adds to what a client may do with objects of your own; "
        "permissions of this API stay bounded by its scopes."
    )
    examples = (
        "client_roles list orders",
        'client_roles give orders auditor --until 2027-01-31T00:00:00Z --reason "Audit of the year"',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in (
            ("list", gettext("show the roles of a client")),
            ("give", gettext("give a role, or another end to one that the client has")),
            ("take", gettext("take a role")),
        ):
            action = actions.add_parser(name, help=text)
            super().add_arguments(action)
            action.add_argument("client", help=gettext("the id or the name of the client"))
            if name != "list":
                action.add_argument("role", help=gettext("the name of a role"))
                self.add_reason_argument(action)
            if name == "give":
                action.add_argument(
                    "--until",
                    metavar="TIME",
                    help=gettext("when the role ends, such as 2027-01-31T00:00:00Z; without it, it has no end"),
                )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            with transaction.atomic():
                client = _client(options["client"])
                report = self._act(client, options) if options["action"] != "list" else {"result": "listed"}
                roles = _roles(client)
                # Tried out and taken back: so the answer is that of the real call, refusals included.
                transaction.set_rollback(options["dry_run"])
        except TokenError as error:
            self.fail(error.code, force_str(error.message))
        except AccountError as error:
            self.fail(error.code, force_str(error.message))
        except AccessError as error:
            problem = as_api_exception(error)
            self.fail(str(problem.get_codes()), str(problem.detail))
        return {**report, "id": str(client.pk), "client": client.name, "roles": roles}

    def _act(self, client: ServiceClient, options: dict[str, Any]) -> dict[str, Any]:
        change: dict[str, Any] = {"client_id": client.pk, "role": options["role"], "by": None, "now": timezone.now()}
        if options["action"] == "give":
            until = self._instant(options["until"])
            client_roles.grant_role(**change, reason=options["reason"], expires_at=until)
            return {"result": "would_give" if options["dry_run"] else "given"}
        client_roles.revoke_role(**change, reason=options["reason"])
        return {"result": "would_take" if options["dry_run"] else "taken"}

    def _instant(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            given = datetime.fromisoformat(text)
            found = given.astimezone(UTC) if given.tzinfo is not None else None
        except (ValueError, OverflowError):
            found = None
        if found is None or found <= timezone.now():
            sentence = gettext("--until is a time in the future, such as 2030-01-31T17:00:00Z.")
            self.fail("usage", sentence, exit_code=USAGE)
        return found

    def sentence(self, result: dict[str, Any]) -> str:
        lines = [gettext(_SENTENCES[result["result"]]) % result]
        endless = gettext("without an end")
        lines += [f"  {role['role']}  {role['expires_at'] or endless}  {role['reason']}" for role in result["roles"]]
        return "\n".join(lines)


_SENTENCES = {
    "listed": gettext_noop("The roles of %(client)s:"),
    "given": gettext_noop("The role is given. %(client)s has now:"),
    "would_give": gettext_noop("The role would be given. %(client)s would have:"),
    "taken": gettext_noop("The role is taken. %(client)s has now:"),
    "would_take": gettext_noop("The role would be taken. %(client)s would have:"),
}


def _client(text: str) -> ServiceClient:
    try:
        return selectors.service_client(client_id=UUID(text))
    except ValueError:
        return selectors.service_client(name=text)


def _roles(client: ServiceClient) -> list[dict[str, Any]]:
    return [
        {
            "role": grant.role,
            "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
            "reason": grant.reason,
        }
        for grant in access_selectors.grants_of(subject=f"{CLIENT}{client.pk}")
    ]
