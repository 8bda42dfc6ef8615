"""Security keys and passkeys (WebAuthn Level 2) as a second factor: their rows, and what a signature does to them.

allauth's row stores the credential. ``SecurityKey`` adds the unique credential id, because a credential belongs to one
user, and the signature counter, which is compared with that of each signature (7.2, step 21).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Q

from accounts.errors import CredentialRefused, SignCountRegressed
from accounts.factors import amr, webauthn_challenges, webauthn_protocol
from accounts.factors.adapter import user_handle
from accounts.factors.protocol import EnrolledFactor
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.factors.webauthn_protocol import Json, NewCeremony, VerifiedCredential, VerifiedSignature
from accounts.models import SecurityKey, User, WebAuthnHandle
from accounts.types import FactorMethod

IS_SUBSTITUTE = False
IS_GUESSABLE = False


def begin_registration(*, user: User, is_passkey: bool) -> NewCeremony:
    """Ask a browser for a credential that the user does not have yet."""
    return webauthn_protocol.begin_registration(user=user, known_ids=_known_ids(user), is_passkey=is_passkey)


def begin_authentication(*, user: User | None) -> NewCeremony:
    """Ask a browser for a signature by one of the user's keys, or, without a user, by any passkey."""
    known_ids = [] if user is None else _known_ids(user)
    return webauthn_protocol.begin_authentication(known_ids=known_ids, is_passkey=user is None)


def add(*, user: User, name: str, credential: VerifiedCredential, now: datetime) -> SecurityKey | None:
    """Store a credential; ``None`` when any user has it already, this one included (7.1, step 17)."""
    authenticator = Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": name, "credential": credential.document},
        created_at=now,
    )
    row = SecurityKey(
        user=user,
        authenticator=authenticator,
        credential_id=credential.credential_id,
        sign_count=credential.sign_count,
        is_backup_eligible=credential.is_backup_eligible,
        is_backed_up=credential.is_backed_up,
    )
    # The unique index decides, also between two users at the same moment.
    SecurityKey.objects.bulk_create([row], ignore_conflicts=True)
    if SecurityKey.objects.filter(pk=row.pk).exists():
        return row
    authenticator.delete()
    return None


def claimed_owner(credential: Json) -> UUID | None:
    """Return the user whose passkey an answer claims to be from, if its user handle says the same (7.2, step 6)."""
    try:
        answer = webauthn_protocol.parse_authentication(credential)
    except CredentialRefused:
        return None
    key = SecurityKey.objects.filter(credential_id=bytes(answer.raw_id)).only("user_id").first()
    if key is None or answer.response.user_handle is None:
        return None
    owners = WebAuthnHandle.objects.filter(pk=key.user_id, handle=bytes(answer.response.user_handle))
    return owners.values_list("pk", flat=True).first()


def verify(*, user: User, response: Any, binding: ChallengeBinding, now: datetime) -> list[str]:
    """Verify a signature by one of the user's keys, use its challenge up, and advance the stored counter.

    Raises: CredentialRefused, SignCountRegressed.
    """
    state = webauthn_challenges.consume(credential=response, binding=binding, now=now)
    answer = webauthn_protocol.parse_authentication(response)
    rows = SecurityKey.objects.filter(user_id=user.pk, credential_id=bytes(answer.raw_id))
    key = rows.select_related("authenticator").first()
    if key is None:
        raise CredentialRefused
    document = key.authenticator.data["credential"]
    signature = webauthn_protocol.verify_authentication(state=state, document=document, answer=answer)
    if signature.is_backup_eligible != key.is_backup_eligible:
        raise CredentialRefused
    if signature.user_handle is not None and signature.user_handle != user_handle(user.pk):
        raise CredentialRefused
    if not _advance(key, signature, now=now):
        raise SignCountRegressed
    return amr.of_signature(is_backup_eligible=key.is_backup_eligible)


def find(*, user_id: UUID, key_id: UUID) -> EnrolledFactor | None:
    """Return one of the user's keys; ``None`` when the user has no such key."""
    key = SecurityKey.objects.filter(pk=key_id, user_id=user_id).select_related("authenticator").first()
    return None if key is None else describe_key(key)


def remove(*, user_id: UUID, factor_id: UUID) -> bool:
    """Delete one of the user's keys; ``False`` when the user has no such key."""
    # The deletion of allauth's row takes ours with it.
    key = SecurityKey.objects.filter(pk=factor_id, user_id=user_id).select_related("authenticator").first()
    if key is not None:
        key.authenticator.delete()
    return key is not None


def describe(rows: Sequence[Authenticator]) -> Mapping[int, EnrolledFactor]:
    """Return what the owner of ``rows`` sees, by the primary key of the row."""
    keys = SecurityKey.objects.filter(authenticator__in=rows).select_related("authenticator")
    return {key.authenticator_id: describe_key(key) for key in keys}


def describe_key(key: SecurityKey) -> EnrolledFactor:
    """Return a key as its owner sees it. It is a passkey if the browser said that it is discoverable."""
    data = key.authenticator.data
    properties = data["credential"].get("clientExtensionResults", {}).get("credProps", {})
    return EnrolledFactor(
        id=key.pk,
        type=FactorMethod.WEBAUTHN,
        name=data["name"],
        created_at=key.authenticator.created_at,
        last_used_at=key.authenticator.last_used_at,
        is_passkey=bool(properties.get("rk")),
        is_synchronised=key.is_backed_up,
    )


def count_keys(*, user_id: UUID) -> int:
    """Return how many keys a user has."""
    return SecurityKey.objects.filter(user_id=user_id).count()


def _known_ids(user: User) -> list[bytes]:
    rows = SecurityKey.objects.filter(user_id=user.pk).order_by("authenticator_id")
    return [bytes(each) for each in rows.values_list("credential_id", flat=True)]


def _advance(key: SecurityKey, signature: VerifiedSignature, *, now: datetime) -> bool:
    """Store the counter and the use, by one conditional statement; ``False`` when the counter did not grow.

    A counter that does not grow means that the key may exist twice (7.2, step 21). Synchronised passkeys have no
    counter: both are zero.
    """
    grown = Q(sign_count__lt=signature.sign_count)
    if signature.sign_count == 0:
        grown |= Q(sign_count=0)
    rows = SecurityKey.objects.filter(grown, pk=key.pk)
    if not rows.update(sign_count=signature.sign_count, is_backed_up=signature.is_backed_up):
        return False
    Authenticator.objects.filter(pk=key.authenticator_id).update(last_used_at=now)
    return True
