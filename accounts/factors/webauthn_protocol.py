"""The registration and authentication ceremonies of WebAuthn Level 2, by fido2, without the database.

fido2 leaves these checks to its caller: the exact origin, a cross-origin frame, the length of a credential id, and
flags of synchronisation that contradict each other.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.conf import account_settings
from accounts.errors import CredentialRefused
from accounts.factors.adapter import MFAAdapter
from accounts.models import User

TIMEOUT_SECONDS = 300  # how long the browser lets its user answer
_MAX_CREDENTIAL_ID_BYTES = 1023  # WebAuthn Level 2, 4

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewCeremony:
    """The options for the browser, and the state that has to be kept until it answers."""

    options: Json
    state: Json = field(repr=False)
    challenge: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """A new credential whose registration was verified. ``document`` is what allauth's row stores of it."""

    credential_id: bytes
    sign_count: int
    is_backup_eligible: bool
    is_backed_up: bool
    document: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """What the authenticator reported with a signature that was verified. Its counter is not compared yet."""

    user_handle: bytes | None
    sign_count: int
    is_backup_eligible: bool
    is_backed_up: bool


def begin_registration(*, user: User, known_ids: Iterable[bytes], is_passkey: bool) -> NewCeremony:
    """Ask a browser for a new credential that is none of ``known_ids``.

    A passkey has to be discoverable and to verify its user, because it signs in alone.
    """
    options, state = _server().register_begin(
        PublicKeyCredentialUserEntity(**MFAAdapter().get_public_key_credential_user_entity(user)),
        credentials=_descriptors(known_ids),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED if is_passkey else ResidentKeyRequirement.PREFERRED,
        user_verification=_verification(is_required=is_passkey),
        extensions={"credProps": True},
    )
    return _new_ceremony(options, state)


def begin_authentication(*, known_ids: Iterable[bytes], is_passkey: bool) -> NewCeremony:
    """Ask a browser for a signature by one of these credentials, or by any passkey when there are none."""
    options, state = _server().authenticate_begin(
        credentials=_descriptors(known_ids), user_verification=_verification(is_required=is_passkey)
    )
    return _new_ceremony(options, state)


def challenge_of(credential: Mapping[str, Any]) -> bytes | None:
    """Return the challenge that a browser's answer names; ``None`` when it can't be parsed."""
    try:
        return bytes(CollectedClientData(websafe_decode(credential["response"]["clientDataJSON"])).challenge)
    except Exception:  # noqa: BLE001 - input of a stranger: whatever a parser raises, it is no answer
        return None


def parse_authentication(credential: Mapping[str, Any]) -> AuthenticationResponse:
    """Return a browser's answer to ``begin_authentication``.

    Raises: CredentialRefused.
    """
    return _refusing(lambda: AuthenticationResponse.from_dict(credential))


def verify_registration(*, state: Json, credential: Json) -> VerifiedCredential:
    """Verify a new credential (WebAuthn Level 2, 7.1).

    Raises: CredentialRefused.
    """

    def verify() -> tuple[RegistrationResponse, AuthenticatorData]:
        parsed = RegistrationResponse.from_dict(credential)
        _require_same_origin(parsed.response.client_data)
        return parsed, _server().register_complete(state, parsed)

    parsed, data = _refusing(verify)
    found = data.credential_data
    if found is None or len(found.credential_id) > _MAX_CREDENTIAL_ID_BYTES:
        raise CredentialRefused
    _require_consistent_flags(data)
    return VerifiedCredential(
        credential_id=bytes(found.credential_id),
        sign_count=data.counter,
        is_backup_eligible=data.is_backup_eligible(),
        is_backed_up=data.is_backed_up(),
        document=_document(parsed, credential),
    )


def verify_authentication(*, state: Json, document: Json, answer: AuthenticationResponse) -> VerifiedSignature:
    """Verify a signature by the credential that was stored as ``document`` (WebAuthn Level 2, 7.2, except step 21).

    Raises: CredentialRefused.
    """

    def verify() -> None:
        _require_same_origin(answer.response.client_data)
        _server().authenticate_complete(state, [_stored_credential(document)], answer)

    _refusing(verify)
    data, handle = answer.response.authenticator_data, answer.response.user_handle
    _require_consistent_flags(data)
    return VerifiedSignature(
        user_handle=None if handle is None else bytes(handle),
        sign_count=data.counter,
        is_backup_eligible=data.is_backup_eligible(),
        is_backed_up=data.is_backed_up(),
    )


def _server() -> Fido2Server:
    return Fido2Server(
        PublicKeyCredentialRpEntity(**MFAAdapter().get_public_key_credential_rp_entity()),
        attestation=AttestationConveyancePreference.NONE,
        # By default fido2 accepts every host below the relying party's id, and any port.
        verify_origin=lambda origin: origin in account_settings.WEBAUTHN_ORIGINS,
    )


def _verification(*, is_required: bool) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if is_required else UserVerificationRequirement.PREFERRED


def _descriptors(known_ids: Iterable[bytes]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=each) for each in known_ids]


def _new_ceremony(options: Any, state: Any) -> NewCeremony:
    public: Json = _plain(dict(options)["publicKey"])
    plain_state: Json = _plain(state)
    return NewCeremony(
        options={**public, "timeout": TIMEOUT_SECONDS * 1000},
        state=plain_state,
        challenge=websafe_decode(plain_state["challenge"]),
    )


def _plain(value: Any) -> Any:
    """Turn fido2's objects and enumerations into JSON types."""
    return json.loads(json.dumps(value))


def _require_same_origin(client_data: CollectedClientData) -> None:
    if client_data.cross_origin is not False:
        raise CredentialRefused


def _require_consistent_flags(data: AuthenticatorData) -> None:
    # "Backed up" without "may be backed up" is a contradiction (WebAuthn Level 3, 6.1.3).
    if data.is_backed_up() and not data.is_backup_eligible():
        raise CredentialRefused


def _refusing(verify: Callable[[], T]) -> T:
    """Call ``verify``; turn whatever the parsers raise on a stranger's bytes into CredentialRefused."""
    try:
        return verify()
    except Exception as error:
        raise CredentialRefused from error


def _stored_credential(document: Json) -> AttestedCredentialData:
    found = RegistrationResponse.from_dict(document).response.attestation_object.auth_data.credential_data
    if found is None:
        raise CredentialRefused
    return found


def _document(parsed: RegistrationResponse, credential: Json) -> Json:
    """Return the members of a registration that allauth stores, without anything else that the client sent."""
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
