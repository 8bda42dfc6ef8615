"""Receivers of the responses to findings: ask for proofs in sessions, or end them.

Services are imported when a response comes: every process imports this module when it starts.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.dispatch import receiver

from security_events.signals import response_started, response_undone
from security_events.types import ResponseKind, ResponseOrder


@receiver(response_started, dispatch_uid="tokens.start_response")
def start(*, response: ResponseOrder, now: datetime, **_details: Any) -> None:
    """Mark or end the sessions that a response is about. Nothing happens to an account that doesn't exist."""
    from tokens import end_reasons  # noqa: PLC0415 - see above
    from tokens.services import revocation, step_up_orders  # noqa: PLC0415 - see above

    user_id = _user_id(response)
    if user_id is None:
        return
    if response.kind is ResponseKind.STEP_UP and response.ends_at is not None:
        step_up_orders.require(
            order_id=response.id,
            user_id=user_id,
            session_id=response.session_id,
            since=response.since or now,
            until=response.ends_at,
            now=now,
        )
    elif response.kind is ResponseKind.END_SESSIONS:
        revocation.end_sessions_opened_since(
            user_id=user_id, since=response.since or now, reason=end_reasons.ATTACK_DETECTED, now=now
        )


@receiver(response_undone, dispatch_uid="tokens.undo_response")
def undo(*, response: ResponseOrder, now: datetime, **_details: Any) -> None:
    """Withdraw what a response asks sessions for."""
    from tokens.services import step_up_orders  # noqa: PLC0415 - see above

    user_id = _user_id(response)
    if user_id is not None and response.kind is ResponseKind.STEP_UP:
        step_up_orders.withdraw(order_id=response.id, user_id=user_id, now=now)


def _user_id(response: ResponseOrder) -> Any:
    """Return the primary key of the account, ``None`` for what is no key of a user, such as a pseudonym."""
    if not response.subject:
        return None
    try:
        return get_user_model()._meta.pk.to_python(response.subject)
    except ValidationError:
        return None
