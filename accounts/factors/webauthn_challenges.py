"""WebAuthn challenges that were sent to a browser and are not answered yet. Each one can be answered once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from accounts.errors import CredentialRefused
from accounts.factors import webauthn_protocol
from accounts.factors.webauthn_protocol import Json, NewCeremony
from accounts.models import Ceremony, CeremonyPurpose

LIFETIME = timedelta(seconds=webauthn_protocol.TIMEOUT_SECONDS)


@dataclass(frozen=True, slots=True)
class ChallengeBinding:
    """What a challenge is for, and the user, session or pending sign-in that alone may answer it.

    The pending sign-ins of the admin are in no table: they have an id in Django's session, which is the ``session_id``
    here.
    """

    purpose: CeremonyPurpose
    user_id: UUID | None = None
    session_id: UUID | None = None
    sign_in_id: UUID | None = None


def store(*, ceremony: NewCeremony, binding: ChallengeBinding, now: datetime) -> Json:
    """Store a challenge with its binding; return the options for the browser."""
    row = Ceremony(
        digest=_digest(ceremony.challenge),
        purpose=binding.purpose,
        user_id=binding.user_id,
        session_id=binding.session_id,
        sign_in_id=binding.sign_in_id,
        state=json.dumps(ceremony.state),
        expires_at=now + LIFETIME,
    )
    row.save(force_insert=True)
    return ceremony.options


def consume(*, credential: Mapping[str, Any], binding: ChallengeBinding, now: datetime) -> Json:
    """Mark the challenge that a credential answers as used; return the state that was stored with it.

    One conditional statement decides, so that of simultaneous answers one succeeds. Call it in the transaction that
    acts on the answer: when the answer is refused, the challenge stays unused.

    Raises: CredentialRefused, for a challenge that is unknown, expired, used, or bound to something else.
    """
    challenge = webauthn_protocol.challenge_of(credential)
    if challenge is None:
        raise CredentialRefused
    rows = Ceremony.objects.filter(
        digest=_digest(challenge),
        purpose=binding.purpose,
        user=binding.user_id,
        session_id=binding.session_id,
        sign_in=binding.sign_in_id,
    )
    if not rows.filter(used_at=None, expires_at__gt=now).update(used_at=now):
        raise CredentialRefused
    state: Json = json.loads(rows.get().state)
    return state


def _digest(challenge: bytes) -> bytes:
    return sha256(challenge).digest()
