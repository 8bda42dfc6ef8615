"""Plain dictionaries of what goes out, for the renderer: serializers would cost more than the rest of the answer."""

from typing import Any
from uuid import UUID

from tokens import devices
from tokens.models import Session, SessionKind
from tokens.types import TokenPair


def token_response_body(pair: TokenPair) -> dict[str, Any]:
    return {
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "token_type": pair.token_type,
        "expires_in": pair.expires_in,
        "refresh_expires_in": pair.refresh_expires_in,
        "session_id": str(pair.session_id),
    }


def session_body(row: Session, *, current_id: UUID) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "current": row.pk == current_id,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "device": devices.device_name(row.user_agent, is_admin=row.kind == SessionKind.ADMIN),
        "location": None,
        "created_at": row.created_at,
        "last_activity_at": row.last_activity_at,
        "expires_at": row.deadline,  # type: ignore[attr-defined]  # annotated by the selector
        "amr": row.amr,
    }
