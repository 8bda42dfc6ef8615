"""Receivers of signals: mail to the user, and the responses to findings that concern accounts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.dispatch import receiver
from django.utils.translation import override

from accounts import policy_event_types as _policy_event_types  # noqa: F401 - declares event types
from accounts.access.signals import grants_changed, policy_changed
from accounts.access.types import Author
from accounts.rules import subject_facts
from accounts.services.mailing import mail_queue
from security_events.signals import response_started, response_undone
from security_events.types import ResponseKind, ResponseOrder, Subject
from tokens import devices, signals
from tokens.types import ClientContext


@receiver(signals.family_compromised, dispatch_uid="accounts.notify_token_reuse")
@receiver(signals.reused_after_end, dispatch_uid="accounts.notify_reuse_after_end")
def notify_token_reuse(*, user_id: UUID, session_id: UUID, **_details: Any) -> None:
    """Mail the user whose refresh token was used twice, while its session lived or later (RFC 9700, 4.14.2).

    The id of the mail is derived from the session, so that there is one mail for each, however often a thief tries.
    """
    mail_queue.enqueue(
        user_id=user_id,
        kind=mail_queue.MailKind.SESSION_ENDED_FOR_SAFETY,
        mail_id=uuid5(session_id, "ended for safety"),
    )


@receiver(signals.repeated_elsewhere, dispatch_uid="accounts.notify_use_elsewhere")
def notify_use_elsewhere(
    *, user_id: UUID, session_id: UUID, client: ClientContext, now: datetime, **_details: Any
) -> None:
    """Mail the user whose refresh token was repeated by another kind of client in another network.

    The id of the mail is derived from the session and the day, so that there is one mail a day for each session.
    """
    with override("en"):  # the mail translates it into the user's language
        device = devices.device_name(client.user_agent)
    mail_queue.enqueue(
        user_id=user_id,
        kind=mail_queue.MailKind.SESSION_USED_ELSEWHERE,
        now=now,
        details={"device": device, "ip_address": client.ip_address or ""},
        mail_id=uuid5(session_id, f"used elsewhere {now.date()}"),
    )


@receiver(response_started, dispatch_uid="accounts.start_response")
def start_response(*, response: ResponseOrder, now: datetime, **_details: Any) -> None:
    """Tell the person, or lock their codes for unknown clients. Nothing happens to an account that doesn't exist."""
    user_id = _account(response)
    # Every process imports this module when it starts, and few need these; the libraries of factors take 15 MiB.
    if user_id is not None and response.kind is ResponseKind.NOTIFY:
        from accounts.services.sign_in import finding_notices  # noqa: PLC0415 - see above

        finding_notices.notify(user_id=user_id, order=response, now=now)
    elif user_id is not None and response.kind is ResponseKind.LOCK_FACTOR and response.ends_at is not None:
        from accounts.services.factors import lockouts  # noqa: PLC0415 - see above

        lockouts.lock(lock_id=response.id, user_id=user_id, until=response.ends_at)


@receiver(response_undone, dispatch_uid="accounts.undo_response")
def undo_response(*, response: ResponseOrder, **_details: Any) -> None:
    """Take the lock of a response back."""
    if response.kind is ResponseKind.LOCK_FACTOR:
        from accounts.services.factors import lockouts  # noqa: PLC0415 - as above

        lockouts.unlock(lock_id=response.id)


def _account(response: ResponseOrder) -> UUID | None:
    try:
        return UUID(response.subject)
    except ValueError:  # the pseudonym of a name that no account has
        return None


@receiver(grants_changed, dispatch_uid="accounts.keep_role_grants")
def keep_role_grants(*, subject: str, grants: Mapping[str, datetime | None], now: datetime, **_details: Any) -> None:
    """Copy the grants of a person or a service client to its row, in the transaction of the change."""
    from accounts.services.administration import role_columns  # noqa: PLC0415 - few processes change grants

    user_id, client_id = subject_facts.user_id(subject), subject_facts.client_id(subject)
    if user_id is not None:
        role_columns.keep(user_id=user_id, grants=grants, now=now)
    elif client_id is not None:
        role_columns.keep_of_client(client_id=client_id, grants=grants, now=now)


@receiver(signals.service_client_deleted, dispatch_uid="accounts.revoke_roles_of_deleted_client")
def revoke_roles_of_deleted_client(
    *, client_id: UUID, actor: Subject, reason: str, now: datetime, **_details: Any
) -> None:
    """Take the roles of a service client in the transaction that deletes it: nobody could take them later."""
    from accounts.services.administration import client_roles  # noqa: PLC0415 - as above

    client_roles.revoke_all(client_id=client_id, author=Author(actor.id, actor.name), reason=reason, now=now)


@receiver(policy_changed, dispatch_uid="accounts.record_policy_change")
def record_policy_change(*, version: Any, author: Any, now: datetime, **_details: Any) -> None:
    """Record what changed in the access policy, in the transaction of the change."""
    from accounts.services.administration import policy_events  # noqa: PLC0415 - few processes change the policy

    policy_events.record(version=version, author=author, now=now)
