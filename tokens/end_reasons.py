"""Reasons for which sessions end.

Each app declares its own reasons when it is loaded, and so can any project. The database stores a reason's code and
checks only that an ended session has one, so a new reason needs no migration.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")  # the columns hold 32 characters


class UndeclaredEndReason(LookupError):
    """Code ends a session for a reason that no app has declared."""


class InitiatingEntity(StrEnum):
    """The party whose act ended a session, as security event tokens name it (OpenID CAEP 1.0, 2)."""

    USER = "user"
    ADMIN = "admin"
    POLICY = "policy"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class EndReason:
    """A declared reason.

    ``code`` is stored and stands in events; ``label`` is shown in the admin. If ``initiated_by`` is the user and the
    caller names no actor, the session's owner is recorded as the actor. ``message`` says to the owner what happened:
    receivers of shared signals may show it (``reason_user``).
    """

    code: str
    label: "StrOrPromise"
    initiated_by: InitiatingEntity
    message: "StrOrPromise"


_declared: dict[str, EndReason] = {}


def register(reason: EndReason) -> EndReason:
    """Declare a reason and return it. Call this when a module of your app is imported.

    Raises: ValueError, for a malformed code, or for one that another reason has.
    """
    if not _CODE.fullmatch(reason.code):
        raise ValueError(f"The code {reason.code!r} of an end reason must match {_CODE.pattern}.")
    if _declared.setdefault(reason.code, reason) is not reason:
        raise ValueError(f"The end reason {reason.code!r} is declared already.")
    return reason


def code_of(reason: EndReason) -> str:
    """Return the code that is stored for a declared reason.

    Raises: UndeclaredEndReason.
    """
    if _declared.get(reason.code) is not reason:
        raise UndeclaredEndReason(reason.code)
    return reason.code


def find(code: str) -> EndReason | None:
    """Return the declared reason that has this code."""
    return _declared.get(code)


def declared() -> Sequence[EndReason]:
    """Return all declared reasons."""
    return tuple(_declared.values())


def in_english(reason: EndReason) -> str:
    """Return a reason for logs: its label and its code."""
    with override("en"):
        return f"{reason.label} ({reason.code})"


def choices() -> Iterator[tuple[str, "StrOrPromise"]]:
    """Yield (code, label) of all declared reasons, for the fields that store one."""
    return ((reason.code, reason.label) for reason in _declared.values())


LOGOUT = register(EndReason("logout", _("signed out"), InitiatingEntity.USER, _("You signed out.")))
LOGOUT_ALL = register(
    EndReason("logout_all", _("signed out everywhere"), InitiatingEntity.USER, _("You signed out everywhere."))
)
ENDED_BY_OWNER = register(
    EndReason(
        "ended_by_owner",
        _("ended from another session"),
        InitiatingEntity.USER,
        _("You ended this session from another one."),
    )
)
SESSION_LIMIT = register(
    EndReason(
        "session_limit",
        _("too many sessions"),
        InitiatingEntity.POLICY,
        _("You signed in once more, so your oldest session was ended."),
    )
)
REUSE_DETECTED = register(
    EndReason(
        "reuse_detected",
        _("refresh token used twice"),
        InitiatingEntity.SYSTEM,
        _("Somebody seems to have copied this session, so it was ended."),
    )
)
ATTACK_DETECTED = register(
    EndReason(
        "attack_detected",
        _("opened during an attack"),
        InitiatingEntity.SYSTEM,
        _("Somebody seems to have attacked your account, so the sessions opened since then were ended."),
    )
)
TOKEN_REVOKED = register(
    EndReason(
        "token_revoked",
        _("token revoked by its client"),
        InitiatingEntity.USER,
        _("The application that you used signed you out."),
    )
)
ADMINISTRATOR = register(
    EndReason(
        "administrator",
        _("ended by an administrator"),
        InitiatingEntity.ADMIN,
        _("An administrator ended this session."),
    )
)
