"""The JSON of people: a plain dictionary, since a serializer would cost more than the rest of the answer."""

from datetime import datetime
from typing import Any

from accounts.factors.protocol import EnrolledFactor
from accounts.models import User
from accounts.rules.decisions import roles_of
from accounts.selectors import SecondFactors
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in.password_sign_in import SignedIn
from tokens.api.response_bodies import token_response_body


def user_document(user: User) -> dict[str, Any]:
    """Return a person as the contract shows them. It reads nothing from the database."""
    return {
        "id": str(user.pk),
        "username": user.username,
        "email": user.email,
        "email_confirmed": user.is_email_confirmed,
        "full_name": user.full_name,
        "locale": user.locale,
        "is_active": user.is_active,
        "roles": roles_of(user),
        "tier": user.tier,
        "mfa_enabled": user.is_mfa_enabled,
        "created_at": instant(user.created_at),
        "updated_at": instant(user.updated_at),
    }


def sign_in_document(outcome: SignedIn | MfaChallenge) -> dict[str, Any]:
    """Return what a sign-in came to: a session, or the second factor that it takes."""
    if isinstance(outcome, MfaChallenge):
        challenge = {
            "token": outcome.token,
            "methods": list(outcome.methods),
            "expires_in": outcome.expires_in,
            "webauthn": outcome.webauthn,
        }
        return {"user": None, "tokens": None, "mfa": challenge}
    return {"user": user_document(outcome.user), "tokens": token_response_body(outcome.tokens), "mfa": None}


def factor_document(factor: EnrolledFactor) -> dict[str, Any]:
    """Return a second factor as its owner sees it."""
    return {
        "id": str(factor.id),
        "type": factor.type,
        "name": factor.name,
        "created_at": instant(factor.created_at),
        "last_used_at": instant(factor.last_used_at) if factor.last_used_at else None,
        "passkey": factor.is_passkey,
        "synchronised": factor.is_synchronised,
    }


def second_factors_document(found: SecondFactors) -> dict[str, Any]:
    """Return what somebody can prove a second time with."""
    return {
        "enabled": found.is_enabled,
        "methods": [factor_document(factor) for factor in found.factors],
        "recovery_codes_left": found.recovery_codes_left,
    }


def instant(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC with Z."""
    return moment.isoformat().replace("+00:00", "Z")


def entity_tag(user: User) -> str:
    """Return the strong validator of a person's current version (RFC 9110, 8.8.3)."""
    return f'"{user.version}"'
