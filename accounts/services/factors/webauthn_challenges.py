"""WebAuthn challenges between the asking and the answering. Each is answered once, by whom it was made for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.errors import CredentialRefused
from accounts.factors import webauthn
from accounts.factors.webauthn import Begun, Json
from accounts.models import Ceremony, CeremonyPurpose

LIFETIME = timedelta(seconds=webauthn.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Place:
    """What a challenge is for, and the session or the waiting sign-in that it belongs to."""

    purpose: CeremonyPurpose
    user_id: UUID | None = None
    session_id: UUID | None = None
    sign_in_id: UUID | None = None


def begin(*, begun: Begun, place: Place, now: datetime | None = None) -> Json:
    """Remember a challenge; return what the browser is to be asked with."""
    ceremony = Ceremony(
        digest=_digest(begun.challenge),
        purpose=place.purpose,
        user_id=place.user_id,
        session_id=place.session_id,
        sign_in_id=place.sign_in_id,
        state=json.dumps(begun.state),
        expires_at=(now or timezone.now()) + LIFETIME,
    )
    ceremony.save(force_insert=True)
    return begun.options


def take(*, credential: Mapping[str, Any], place: Place, now: datetime | None = None) -> Json:
    """Use up the challenge that an answer is for, by one conditional statement; return what was remembered with it.

    Call it in the transaction that acts on the answer, so that an answer which turns out wrong uses nothing up.

    Raises: CredentialRefused, for an answer to no challenge of ours, to another person's, too late or a second time.
    """
    at = now or timezone.now()
    challenge = webauthn.challenge_of(credential)
    if challenge is None:
        raise CredentialRefused
    rows = Ceremony.objects.filter(
        digest=_digest(challenge),
        purpose=place.purpose,
        user=place.user_id,
        session_id=place.session_id,
        sign_in=place.sign_in_id,
    )
    if not rows.filter(used_at=None, expires_at__gt=at).update(used_at=at):
        raise CredentialRefused
    state: Json = json.loads(rows.get().state)
    return state


def _digest(challenge: bytes) -> bytes:
    return sha256(challenge).digest()
