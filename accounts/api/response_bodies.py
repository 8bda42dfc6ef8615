"""Response bodies as plain dictionaries: a serializer takes longer than the rest of the response."""

from datetime import datetime
from typing import Any

from accounts.factors.protocol import EnrolledFactor
from accounts.models import User
from accounts.rules.user_claims import roles_of
from accounts.selectors import SecondFactors
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in.password_sign_in import SignedIn
from tokens.api.response_bodies import token_response_body


def user_body(user: User) -> dict[str, Any]:
    """Return a user. This makes no query."""
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
        "created_at": format_timestamp(user.created_at),
        "updated_at": format_timestamp(user.updated_at),
    }


def admin_user_body(user: User) -> dict[str, Any]:
    """Return a user as operators see them. This makes no query."""
    return {
        **user_body(user),
        "department": user.department,
        "location": user.location,
        "deleted_at": format_timestamp(user.deleted_at) if user.deleted_at else None,
        "last_login_at": format_timestamp(user.last_login) if user.last_login else None,
        "risk": None,
    }


def sign_in_body(result: SignedIn | MfaChallenge) -> dict[str, Any]:
    """Return the result of a sign-in: a session, or a challenge of the second factor."""
    if isinstance(result, MfaChallenge):
        challenge = {
            "token": result.token,
            "methods": list(result.methods),
            "expires_in": result.expires_in,
            "webauthn": result.webauthn,
        }
        return {"user": None, "tokens": None, "mfa": challenge}
    return {"user": user_body(result.user), "tokens": token_response_body(result.tokens), "mfa": None}


def factor_body(factor: EnrolledFactor) -> dict[str, Any]:
    """Return a second factor without its secret."""
    return {
        "id": str(factor.id),
        "type": factor.type,
        "name": factor.name,
        "created_at": format_timestamp(factor.created_at),
        "last_used_at": format_timestamp(factor.last_used_at) if factor.last_used_at else None,
        "passkey": factor.is_passkey,
        "synchronised": factor.is_synchronised,
    }


def second_factors_body(found: SecondFactors) -> dict[str, Any]:
    """Return a user's second factors and the number of recovery codes left."""
    return {
        "enabled": found.is_enabled,
        "methods": [factor_body(factor) for factor in found.factors],
        "recovery_codes_left": found.recovery_codes_left,
    }


def format_timestamp(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339, with ``Z``."""
    return moment.isoformat().replace("+00:00", "Z")


def entity_tag(user: User) -> str:
    """Return the strong entity tag of an account's version (RFC 9110, 8.8.3)."""
    return f'"{user.version}"'
