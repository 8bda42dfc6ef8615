"""Security keys and passkeys by allauth and fido2 (WebAuthn Level 2), with what those two leave out.

allauth keeps the state of a ceremony in a session; here it is handed in and out. Origins are compared with a list,
a credential belongs to one person, and signature counters are stored and compared (7.2, step 21).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.db import DatabaseError
from django.db.models import Q
from fido2.utils import websafe_decode
from fido2.webauthn import AuthenticationResponse, AuthenticatorData, CollectedClientData, RegistrationResponse

from accounts.conf import account_settings
from accounts.errors import CredentialRefused
from accounts.factors.adapter import handle_of
from accounts.factors.enrolled import Enrolled, factor
from accounts.models import SecurityKey, User, WebAuthnHandle

TIMEOUT = 300  # seconds that an answer may take
_LONGEST_ID = 1023

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Begun:
    """A ceremony: what the browser is asked with, and what has to be remembered until it answers."""

    options: Json
    state: Json = field(repr=False)
    challenge: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A credential whose registration was right in every respect, as it is to be stored."""

    credential_id: bytes
    sign_count: int
    is_backup_eligible: bool
    is_backed_up: bool
    document: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A signature that was right in every respect but its counter, which is not compared yet."""

    key: SecurityKey
    sign_count: int
    is_backed_up: bool


def begin_registration(*, user: User, is_passkey: bool) -> Begun:
    """Ask a browser for a new credential. A passkey must be discoverable and verify its user; a key may."""
    begun = _begin(lambda: auth.begin_registration(user, is_passkey))
    if not is_passkey:
        begun.options["authenticatorSelection"] |= {"residentKey": "preferred", "requireResidentKey": False}
    begun.options["attestation"] = "none"
    return begun


def begin_assertion(*, user: User | None) -> Begun:
    """Ask a browser for a signature: by one of somebody's keys, or, of nobody known yet, by any passkey."""
    return _begin(lambda: auth.begin_authentication(user))


def challenge_of(credential: Mapping[str, Any]) -> bytes | None:
    """Return the challenge that a browser's answer says it is for; ``None`` for what is no answer."""
    try:
        return bytes(CollectedClientData(websafe_decode(credential["response"]["clientDataJSON"])).challenge)
    except Exception:  # noqa: BLE001 - a stranger's bytes: whatever the parsers stumble over, it is no answer
        return None


def check_registration(*, state: Json, credential: Json) -> NewKey:
    """Verify a new credential (WebAuthn Level 2, 7.1).

    Raises: CredentialRefused.
    """
    parsed, data = _checked(lambda: _registration(state, credential))
    found = data.credential_data
    if found is None or len(found.credential_id) > _LONGEST_ID or _contradicts_itself(data):
        raise CredentialRefused
    return NewKey(
        credential_id=bytes(found.credential_id),
        sign_count=data.counter,
        is_backup_eligible=data.is_backup_eligible(),
        is_backed_up=data.is_backed_up(),
        document=_stored(parsed, credential),
    )


def add(*, user: User, name: str, key: NewKey, at: datetime) -> SecurityKey | None:
    """Store a credential; ``None`` when somebody has it already, this person included (7.1, step 17)."""
    authenticator = auth.WebAuthn.add(user, name, key.document).instance
    authenticator.created_at = at
    authenticator.save(update_fields=["created_at"])
    row = SecurityKey(
        user=user,
        authenticator=authenticator,
        credential_id=key.credential_id,
        sign_count=key.sign_count,
        is_backup_eligible=key.is_backup_eligible,
        is_backed_up=key.is_backed_up,
    )
    # The unique index decides, also between two people at the same moment.
    SecurityKey.objects.bulk_create([row], ignore_conflicts=True)
    if SecurityKey.objects.filter(pk=row.pk).exists():
        return row
    authenticator.delete()
    return None


def owner_of(credential: Json) -> UUID | None:
    """Return whose passkey an answer claims to be from, if its user handle says the same (7.2, step 6)."""
    try:
        answer = AuthenticationResponse.from_dict(credential)
    except Exception:  # noqa: BLE001 - as above
        return None
    key = SecurityKey.objects.filter(credential_id=bytes(answer.raw_id)).only("user_id").first()
    if key is None or answer.response.user_handle is None:
        return None
    owners = WebAuthnHandle.objects.filter(pk=key.user_id, handle=bytes(answer.response.user_handle))
    return owners.values_list("pk", flat=True).first()


def check_assertion(*, user: User, state: Json, credential: Json) -> Assertion:
    """Verify a signature by one of somebody's keys (WebAuthn Level 2, 7.2), all but the counter.

    Raises: CredentialRefused.
    """
    answer, authenticator = _checked(lambda: _assertion(user, state, credential))
    key = SecurityKey.objects.filter(authenticator=authenticator, user_id=user.pk).first()
    data, handle = answer.response.authenticator_data, answer.response.user_handle
    if (
        key is None
        or (handle is not None and bytes(handle) != handle_of(user.pk))
        or data.is_backup_eligible() != key.is_backup_eligible
        or _contradicts_itself(data)
    ):
        raise CredentialRefused
    return Assertion(key=key, sign_count=data.counter, is_backed_up=data.is_backed_up())


def count(*, assertion: Assertion, at: datetime) -> bool:
    """Store the counter of a signature, and the use; ``False`` when it does not exceed the stored one.

    A counter that stands still means that the key exists twice (7.2, step 21). Passkeys that are synchronised have
    none: both are zero.
    """
    rows = SecurityKey.objects.filter(pk=assertion.key.pk)
    grown = Q(sign_count__lt=assertion.sign_count)
    if assertion.sign_count == 0:
        grown |= Q(sign_count=0)
    if not rows.filter(grown).update(sign_count=assertion.sign_count, is_backed_up=assertion.is_backed_up):
        return False
    Authenticator.objects.filter(pk=assertion.key.authenticator_id).update(last_used_at=at)
    return True


def remove(*, user_id: UUID, key_id: UUID) -> Enrolled | None:
    """Forget one of somebody's keys; return what it was, ``None`` when there is no such key of theirs."""
    key = SecurityKey.objects.filter(pk=key_id, user_id=user_id).select_related("authenticator").first()
    if key is None:
        return None
    gone = factor(key)
    key.authenticator.delete()
    return gone


def number_of(*, user_id: UUID) -> int:
    """Return how many keys somebody has."""
    return SecurityKey.objects.filter(user_id=user_id).count()


def _begin(ask: Any) -> Begun:
    # allauth keeps the state in a request's session.
    shim = SimpleNamespace(session={})
    with request_context(shim):
        options: Json = _plain(ask()["publicKey"])
    state: Json = _plain(shim.session[auth.STATE_SESSION_KEY])
    options["timeout"] = TIMEOUT * 1000
    return Begun(options=options, state=state, challenge=websafe_decode(state["challenge"]))


def _plain(value: Any) -> Any:
    # Enumerations become the text that they stand for.
    return json.loads(json.dumps(value))


def _registration(state: Json, credential: Json) -> tuple[RegistrationResponse, Any]:
    parsed = RegistrationResponse.from_dict(credential)
    _require_origin(parsed.response.client_data)
    with request_context(SimpleNamespace(session={auth.STATE_SESSION_KEY: state})):
        return parsed, auth.complete_registration(credential)


def _assertion(user: User, state: Json, credential: Json) -> tuple[AuthenticationResponse, Authenticator]:
    parsed = AuthenticationResponse.from_dict(credential)
    _require_origin(parsed.response.client_data)
    with request_context(SimpleNamespace(session={auth.STATE_SESSION_KEY: state})):
        return parsed, auth.complete_authentication(user, credential)


def _require_origin(client_data: CollectedClientData) -> None:
    # fido2 accepts every host below the relying party's id, and any port.
    if client_data.origin not in account_settings.WEBAUTHN_ORIGINS or client_data.cross_origin is not False:
        raise CredentialRefused


def _contradicts_itself(data: AuthenticatorData) -> bool:
    # What can't be backed up says that it is (Level 3, 6.1.3).
    return bool(data.is_backed_up() and not data.is_backup_eligible())


def _checked(verify: Any) -> Any:
    try:
        return verify()
    except DatabaseError:
        raise
    except Exception as error:
        # A stranger's bytes go through half a dozen parsers: whatever one of them stumbles over, they are not accepted.
        raise CredentialRefused from error


def _stored(parsed: RegistrationResponse, credential: Json) -> Json:
    """Return what allauth reads of a registration, and nothing else that a client cared to send."""
    whole: Json = dict(parsed)
    extensions = credential.get("clientExtensionResults")
    properties = extensions.get("credProps") if isinstance(extensions, Mapping) else None
    is_resident = properties.get("rk") if isinstance(properties, Mapping) else None
    return {
        "id": whole["id"],
        "rawId": whole["rawId"],
        "type": "public-key",
        "response": {name: whole["response"][name] for name in ("clientDataJSON", "attestationObject")},
        "clientExtensionResults": {"credProps": {"rk": is_resident is True}},
    }
