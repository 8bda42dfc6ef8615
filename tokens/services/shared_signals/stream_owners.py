"""To whom streams belong: to the service client or the person that made them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from security_events.types import Subject
from tokens.conf import token_settings
from tokens.models import ServiceClient, SignalStream
from tokens.types import ServiceCaller

READ, MANAGE = "ssf:read", "ssf:manage"


@dataclass(frozen=True, slots=True)
class StreamOwner:
    """A caller of the stream management API: either a service client or a person."""

    subject: Subject
    client_id: UUID | None = None
    user_id: Any = None

    def streams(self) -> QuerySet[SignalStream]:
        """Return the caller's own streams. For every caller, those of others do not exist."""
        return SignalStream.objects.filter(client_id=self.client_id, user_id=self.user_id).select_related("sink")

    def lock(self) -> None:
        """Lock the caller's row, so that simultaneous requests agree on how many streams there are."""
        rows: QuerySet[Any] = (
            ServiceClient.objects.filter(pk=self.client_id)
            if self.client_id is not None
            else get_user_model()._default_manager.filter(pk=self.user_id)
        )
        rows.select_for_update(no_key=True).values_list("pk", flat=True).first()


def is_entitled(stream: SignalStream) -> bool:
    """Return whether the owner of a stream may have one now.

    A client that was disabled or lost the scope may not, and neither may a person who lost the right.
    """
    if stream.client is not None:
        row = stream.client
        client = ServiceCaller(row.pk, row.name, frozenset(row.scopes), row.role_grants)
        return row.is_enabled and token_settings.MAY(client, MANAGE)
    return bool(getattr(stream.user, "is_active", True)) and token_settings.MAY(stream.user, MANAGE)
