"""What an operator action is: its name, its texts, the values that it takes, and the service that does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import DetailsInvalid
from accounts.models import User
from accounts.types import FieldProblem

LONGEST_REASON = 200  # characters, as in the forms of the admin
Text = str | Promise
Value = str | bool | tuple[str, ...]


class ValueKind(StrEnum):
    """What a value is: a text, one of a few texts, several of them, or yes and no."""

    TEXT = "text"
    CHOICE = "choice"
    CHOICES = "choices"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class ActionValue:
    """A value that an action takes besides the reason. ``choices`` are pairs of a value and its label.

    A value that is not required and not given is not passed to the service. ``max_length`` is in characters.
    """

    name: str
    label: Text
    kind: ValueKind = ValueKind.TEXT
    choices: tuple[tuple[str, Text], ...] = ()
    is_required: bool = True
    max_length: int = 100

    def problem(self, value: object) -> FieldProblem | None:
        """Return what is wrong with a value; ``None`` if the service can be called with it."""
        if not isinstance(value, _TYPES[self.kind]):
            return FieldProblem(self.name, "invalid", _("This value has the wrong type."))
        if self.kind is ValueKind.TEXT and len(str(value)) > self.max_length:
            return FieldProblem(self.name, "max_length", _("This is too long."))
        if self.kind is ValueKind.TEXT and not str(value).isprintable():
            return FieldProblem(self.name, "invalid", _("This contains characters that can't be printed."))
        chosen = value if isinstance(value, tuple) else (value,)
        if self.choices and not set(chosen) <= {choice for choice, _label in self.choices}:
            return FieldProblem(self.name, "invalid", _("This is none of the possible values."))
        if self.is_required and value == ():
            return FieldProblem(self.name, "required", _("Choose at least one."))
        return None


_TYPES: Mapping[ValueKind, type] = {
    ValueKind.TEXT: str,
    ValueKind.CHOICE: str,
    ValueKind.CHOICES: tuple,
    ValueKind.BOOLEAN: bool,
}


class ActionService(Protocol):
    """The service of an action: change the account and return whether anything was changed.

    ``by`` is ``None`` at the command line. It authorizes the actor itself, by ``authorization.authorize``.
    """

    def __call__(self, *, user: User, by: User | None, reason: str, now: datetime) -> int: ...


def always_offered(_user: User) -> bool:
    """Offer an action for each account."""
    return True


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """Something that an operator does to one account: in the admin, at the API and at the command line.

    ``name`` is that of the API's route and of the command. ``permission`` is a declared one.
    ``is_offered`` tells whether the action would change anything about an account; the service decides again.
    ``is_destructive``: what the action changes can't be restored, so the command asks before and the admin warns.
    ``is_in_api``: whether there is a call ``/admin/users/{id}/{name}``; what is a resource there has none.
    ``erases``: the account does not exist afterwards.
    """

    name: str
    title: Text
    description: Text
    permission: str
    service: Callable[..., int]
    values: tuple[ActionValue, ...] = ()
    is_destructive: bool = False
    erases: bool = False
    is_in_api: bool = True
    is_offered: Callable[[User], bool] = always_offered

    def run(self, *, user: User, by: User | None, reason: str, now: datetime, **values: Value) -> bool:
        """Do it; ``False`` when nothing changed.

        Raises: DetailsInvalid for values that the action does not take, NotAllowed, and what the service raises.
        """
        self.require_valid(values)
        return bool(self.service(user=user, by=by, reason=reason, now=now, **values))

    def require_valid(self, values: Mapping[str, Value]) -> None:
        """Check the values of a call.

        Raises: DetailsInvalid.
        """
        known = {value.name: value for value in self.values}
        problems = [
            FieldProblem(name, "unknown_field", _("There is no such member.")) for name in values if name not in known
        ]
        for name, value in known.items():
            if name in values:
                problem = value.problem(values[name])
                problems += [problem] if problem else []
            elif value.is_required:
                problems.append(FieldProblem(name, "required", _("This is required.")))
        if problems:
            raise DetailsInvalid(problems)
