"""Read the subject identifiers that receivers send (RFC 9493; Shared Signals Framework 1.0, 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from tokens.conf import token_settings
from tokens.errors import SignalStreamInvalid

_LONGEST_ID = 64  # of a person or a session, as the trail stores it
_LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class SignalSubject:
    """Whom a receiver means: a person by id or by address, or one session of theirs. What it does not say is empty."""

    user_id: str = ""
    email: str = ""
    session_id: str = ""


def parsed_subject(given: Any) -> SignalSubject | None:
    """Return a subject, or ``None`` for one of another issuer, whom this transmitter sends nothing about.

    It is simple (a person by ``iss_sub`` or ``email``) or complex, with ``user`` and maybe ``session``.

    Raises: SignalStreamInvalid, for what is no identifier or one of a format that we don't send.
    """
    if not isinstance(given, Mapping):
        raise _invalid()
    if given.get("format") != "complex":
        return _person(given)
    person = _person(given.get("user"))
    if "session" not in given or person is None:
        return person
    session = given["session"]
    if not isinstance(session, Mapping) or session.get("format") != "opaque":
        raise _invalid()
    return SignalSubject(person.user_id, person.email, _text(session.get("id"), _LONGEST_ID))


def _person(given: Any) -> SignalSubject | None:
    if not isinstance(given, Mapping):
        raise _invalid()
    if given.get("format") == "iss_sub":
        subject = _text(given.get("sub"), _LONGEST_ID)
        return SignalSubject(user_id=subject) if _text(given.get("iss"), 2000) == token_settings.ISSUER else None
    if given.get("format") == "email":
        return SignalSubject(email=_text(given.get("email"), _LONGEST_ADDRESS))
    raise _invalid()


def _text(given: Any, longest: int) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= longest or not given.isprintable():
        raise _invalid()
    return given


def _invalid() -> SignalStreamInvalid:
    sentence = _("It must be a person, as iss_sub or email, or a complex subject of a user and a session.")
    return SignalStreamInvalid(member="subject", sentence=sentence)
