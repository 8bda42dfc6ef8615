"""Response bodies as plain dictionaries: a serializer takes longer than the rest of the response."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.factors.protocol import EnrolledFactor
from accounts.models import SecondFactorReset, User
from accounts.rules.user_claims import roles_of
from accounts.selectors import SecondFactors
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in.password_sign_in import SignedIn
from security_events.selectors.detection.sign_in_history import newest_risks
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


def admin_user_bodies(users: Sequence[User], *, now: datetime) -> list[dict[str, Any]]:
    """Return users as operators see them. One query finds the risks of all."""
    risks = newest_risks([str(user.pk) for user in users], now=now) if users else {}
    return [_admin_user_body(user, risks.get(str(user.pk))) for user in users]


def _admin_user_body(user: User, risk: int | None) -> dict[str, Any]:
    return {
        **user_body(user),
        "department": user.department,
        "location": user.location,
        "deleted_at": format_timestamp(user.deleted_at) if user.deleted_at else None,
        "last_login_at": format_timestamp(user.last_login) if user.last_login else None,
        "risk": risk,
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
        "reset": factor_reset_body(found.reset),
    }


def factor_reset_body(reset: SecondFactorReset | None) -> dict[str, str] | None:
    """Return the reset of second factors that waits; ``due_at`` is the earliest time at which it is carried out."""
    if reset is None:
        return None
    return {"requested_at": format_timestamp(reset.requested_at), "due_at": format_timestamp(reset.due_at)}


def latest_reset_body(reset: SecondFactorReset | None) -> dict[str, Any]:
    """Return the last reset of a user for operators. ``outcome`` and ``closed_at`` are null while it waits."""
    if reset is None:
        return {"reset": None}
    ending = {
        "closed_at": format_timestamp(reset.closed_at) if reset.closed_at else None,
        "outcome": reset.outcome or None,
    }
    return {"reset": {**(factor_reset_body(reset) or {}), **ending}}


def format_timestamp(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339, with ``Z``."""
    return moment.isoformat().replace("+00:00", "Z")


def entity_tag(user: User) -> str:
    """Return the strong entity tag of an account's version (RFC 9110, 8.8.3)."""
    return f'"{user.version}"'
