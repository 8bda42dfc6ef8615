"""What responses to findings about an account need: codes that are mailed as a proof, and locks of second factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

MAX_WRONG_CODES = 5  # for each code that was mailed

# Each live code of the session is charged before it is compared, so that simultaneous guesses get no further.
_CHARGE = """
UPDATE accounts_proofcode SET wrong = wrong + 1
WHERE session_id = %(session_id)s AND user_id = %(user_id)s AND used_at IS NULL AND expires_at > %(now)s
  AND wrong < %(most)s
RETURNING id
"""


class ProofCodeManager(models.Manager["ProofCode"]):
    def charge(self, *, user_id: UUID, session_id: UUID, now: datetime) -> Sequence[UUID]:
        """Count one more guess at each code of a session that can still be used; return their ids."""
        parameters: dict[str, Any] = {"user_id": user_id, "session_id": session_id, "now": now, "most": MAX_WRONG_CODES}
        with connection.cursor() as cursor:
            cursor.execute(_CHARGE, parameters)
            return [code_id for (code_id,) in cursor.fetchall()]


class ProofCode(models.Model):
    """A code that was mailed to the person behind a session. It is derived from ``id``, which is that of the mail."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    session_id = models.UUIDField(db_index=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    wrong = models.PositiveSmallIntegerField(default=0, db_default=0)

    objects: ClassVar[ProofCodeManager] = ProofCodeManager()

    class Meta:
        verbose_name = _("mailed code")
        verbose_name_plural = _("mailed codes")

    def __str__(self) -> str:
        return str(self.pk)


class FactorLock(models.Model):
    """For a while, unknown clients can't try codes of a user's authenticator application. ``id``: the response's."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("lock of a second factor")
        verbose_name_plural = _("locks of second factors")

    def __str__(self) -> str:
        return str(self.pk)
