"""Act on one account: a subcommand for each operator action, and one that creates a person."""

from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.errors import AccountError, DetailsInvalid
from accounts.models import User
from accounts.models.users import Tier
from accounts.services.administration import invitations
from accounts.services.administration.invitations import NewPerson
from accounts.services.administration.operator_action import LONGEST_REASON, ActionValue, OperatorAction, ValueKind
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from cedrina_base.operator_commands import USAGE, OperatorCommand

CREATE = "create"
_RESULTS = {
    "created": _("%(username)s was created."),
    "would_be_created": _("%(username)s would be created."),
    "done": _("%(username)s: %(action)s was done."),
    "unchanged": _("%(username)s: nothing was to be changed by %(action)s."),
    "would_change": _("%(username)s: %(action)s would change something."),
    "would_change_nothing": _("%(username)s: %(action)s would change nothing."),
}


class Command(OperatorCommand):
    help = gettext_noop(
        "Create a person, or act on an account: lock it, invite its owner, grant rights and more. Each action is "
        "recorded with its reason, and the person is mailed."
    )
    examples = (
        'account lock mina --reason "Stolen phone"',
        'account invite mina --email mina@example.org --reason "New colleague"',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add_creation(actions.add_parser(CREATE, help=gettext("create a person and mail an invitation")))
        for action in OPERATOR_ACTIONS.values():
            summary = str(action.description).replace("%", "%%")
            self._add_action(actions.add_parser(action.name, help=summary, description=summary), action)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        reason = options["reason"].strip()
        if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
            self.fail("usage", gettext("The reason must be 1 to 200 characters on one line."), exit_code=USAGE)
        user = None if options["action"] == CREATE else self._find(options)
        try:
            with transaction.atomic():
                result = self._create(options) if user is None else self._act(user, options)
                # Tried out and taken back: so the answer is that of the real call, refusals included.
                transaction.set_rollback(options["dry_run"])
        except DetailsInvalid as refusal:
            sentences = [f"{problem.field}: {problem.message}" for problem in refusal.problems]
            self.fail(refusal.code, "\n".join(sentences))
        except AccountError as refusal:
            self.fail(refusal.code, str(refusal.message))
        return result

    def sentence(self, result: dict[str, Any]) -> str:
        return str(_RESULTS[result["result"]] % result)

    def _add_creation(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--email", required=True)
        parser.add_argument("--full-name", default="")
        parser.add_argument(
            "--locale", default=settings.LANGUAGE_CODE, choices=[code for code, _n in settings.LANGUAGES]
        )
        parser.add_argument("--tier", default=Tier.FREE.value, choices=Tier.values)
        parser.add_argument("--department", default="")
        parser.add_argument("--location", default="")
        parser.add_argument("--no-invitation", action="store_true", help=gettext("mail nothing"))
        self._add_required_reason(parser)

    def _add_action(self, parser: ArgumentParser, action: OperatorAction) -> None:
        super().add_arguments(parser)
        if action.is_destructive:
            parser.add_argument("--yes", action="store_true", help=gettext("don't ask before destroying"))
        parser.add_argument("person", help=gettext("a username, an address or an id"))
        for value in action.values:
            parser.add_argument(f"--{value.name.replace('_', '-')}", dest=value.name, **_argument_options(value))
        self._add_required_reason(parser)

    def _add_required_reason(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help=gettext("why, for the audit trail"))

    def _create(self, options: dict[str, Any]) -> dict[str, Any]:
        given = {each.name: options[each.name] for each in fields(NewPerson)}
        user = invitations.create(
            person=NewPerson(**given),
            is_invited=not options["no_invitation"],
            by=None,
            reason=options["reason"],
            now=timezone.now(),
        )
        if options["dry_run"]:
            return {"result": "would_be_created", "username": user.username}
        return {"result": "created", "username": user.username, "id": str(user.pk)}

    def _act(self, user: User, options: dict[str, Any]) -> dict[str, Any]:
        action = OPERATOR_ACTIONS[options["action"]]
        given = {value.name: options[value.name] for value in action.values if options[value.name] is not None}
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        is_changed = action.run(user=user, by=None, reason=options["reason"], now=timezone.now(), **values)
        results = ("would_change_nothing", "would_change") if options["dry_run"] else ("unchanged", "done")
        return {
            "result": results[is_changed],
            "action": action.name,
            "username": user.username,
            "id": str(user.pk),
        }

    def _find(self, options: dict[str, Any]) -> User:
        user = selectors.user_by_identifier_or_id(name=options["person"])
        if user is None:
            self.fail("not_found", gettext("Nobody here has this name, address or id."))
        if OPERATOR_ACTIONS[options["action"]].is_destructive:
            self.confirm(gettext("Erase %(username)s for good?") % {"username": user.username}, options)
        return user


def _argument_options(value: ActionValue) -> dict[str, Any]:
    options: dict[str, Any] = {"help": str(value.label).replace("%", "%%")}
    if value.kind is ValueKind.BOOLEAN:
        return {**options, "action": "store_true"}
    options["required"] = value.is_required
    if value.choices:
        options["choices"] = [choice for choice, _label in value.choices]
    return {**options, "nargs": "+"} if value.kind is ValueKind.CHOICES else options
