"""Tickets by which browsers authenticate WebSockets."""

from __future__ import annotations

from django.db import models


class WebSocketTicket(models.Model):
    """An unused ticket: what the access token said that it was made with.

    Browsers can't send ``Authorization`` with a WebSocket handshake. A ticket is deleted when it is used.
    ``session_id`` refers to no row, so that sessions can be deleted without looking here; a ticket of none is worth
    nothing.
    """

    digest = models.BinaryField(primary_key=True, max_length=32, editable=False)
    session_id = models.UUIDField()
    family_id = models.UUIDField()
    generation = models.PositiveBigIntegerField()
    jti = models.CharField(max_length=64)
    kid = models.CharField(max_length=64)
    token_issued_at = models.DateTimeField()
    token_expires_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["session_id", "expires_at"], name="tokens_ticket_of_session_idx"),
            models.Index(fields=["expires_at"], name="tokens_ticket_expiry_idx"),
        ]

    def __str__(self) -> str:
        return str(self.session_id)
