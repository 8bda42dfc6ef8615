"""What the members of a service client may be. The API, the admin and the command refuse in the same words."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from tokens.errors import ServiceClientInvalid
from tokens.service_clients.jwks import validated_jwks
from tokens.service_clients.scopes import SCOPES

LONGEST_NAME, LONGEST_DESCRIPTION = 100, 500
CLIENT_SECRET, PRIVATE_KEY_JWT = "client_secret", "private_key_jwt"


def validated_members(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a client as they are stored; those left out have their defaults.

    Raises: ServiceClientInvalid, for the first that can't be.
    """
    values = {name: validate(members.get(name)) for name, validate in _VALIDATORS.items()}
    jwks = members.get("jwks")
    if values["authentication_method"] == PRIVATE_KEY_JWT:
        if jwks is None:
            raise _invalid("jwks", "required", _("A client that signs assertions needs its public keys."))
        return {**values, "jwks": validated_jwks(jwks)}
    if jwks is not None:
        raise _invalid("jwks", "invalid", _("A client with a secret has no keys."))
    return {**values, "jwks": None}


def validate_rotation(*, authentication_method: str, overlap: timedelta, longest: timedelta) -> None:
    """Check that a client has a secret that can be rotated, and that the overlap is possible.

    Raises: ServiceClientInvalid.
    """
    if authentication_method != CLIENT_SECRET:
        sentence = _("This client has no secret. Change its keys instead: publish the new one beside the old one.")
        raise _invalid("authentication_method", "invalid", sentence)
    if not timedelta() <= overlap <= longest:
        raise _invalid("overlap_seconds", "invalid", _("The overlap must be from 0 seconds to 30 days."))


def _name(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise _invalid("name", "blank", _("The name is missing."))
    if len(given) > LONGEST_NAME:
        raise _invalid("name", "max_length", _("The name must have at most 100 characters."))
    if not given.isprintable() or given != given.strip():
        raise _invalid("name", "invalid", _("The name must be text on one line, without space around it."))
    return given


def _description(given: Any) -> str:
    text = given or ""
    if not isinstance(text, str) or len(text) > LONGEST_DESCRIPTION or not text.isprintable():
        sentence = _("The description must be text on one line, of at most 500 characters.")
        raise _invalid("description", "invalid", sentence)
    return text


def _scopes(given: Any) -> list[str]:
    if not isinstance(given, list | tuple | set | frozenset) or not given:
        raise _invalid("scopes", "required", _("A client needs at least one scope."))
    if not all(isinstance(name, str) and name in SCOPES for name in given):
        sentence = _("There are these scopes: %(scopes)s.") % {"scopes": ", ".join(sorted(SCOPES))}
        raise _invalid("scopes", "invalid", sentence)
    return sorted(set(given))


def _authentication_method(given: Any) -> str:
    if given is None:
        return CLIENT_SECRET
    if given not in (CLIENT_SECRET, PRIVATE_KEY_JWT):
        sentence = _("It must be one of %(methods)s.") % {"methods": f"{CLIENT_SECRET}, {PRIVATE_KEY_JWT}"}
        raise _invalid("authentication_method", "invalid", sentence)
    return str(given)


_VALIDATORS: Mapping[str, Callable[[Any], Any]] = {
    "name": _name,
    "description": _description,
    "scopes": _scopes,
    "authentication_method": _authentication_method,
}


def _invalid(member: str, code: str, sentence: Any) -> ServiceClientInvalid:
    return ServiceClientInvalid(member=member, member_code=code, sentence=sentence)
