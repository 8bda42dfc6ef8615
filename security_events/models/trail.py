"""The tables of the sealed trail that are shown: checkpoints, their cosignatures, and the keys that sign them.

Two more are read and written by SQL only: ``security_events_trail_leaf`` and ``security_events_trail_subtree``.
"""

from django.db import models
from django.db.models import Q, Value
from django.utils.translation import gettext_lazy as _

from security_events.fields import EncryptedSecretField

# The append-only tables of the sealed trail: whoever serves reads them and appends to them.
TRAIL_TABLES = (
    "security_events_trail_leaf",
    "security_events_trail_subtree",
    "security_events_trail_checkpoint",
    "security_events_trail_cosignature",
)


class AuditKey(models.Model):
    """An Ed25519 key that signs checkpoints.

    ``began_at_size`` and ``ended_at_size`` are sizes of the tree: a key signs checkpoints that are larger than the
    first and at most as large as the second. So a checkpoint that somebody forges with a retired key is recognised.
    """

    kid = models.CharField(_("key id"), max_length=43, primary_key=True)
    name = models.CharField(_("name"), max_length=255)
    public_key = models.BinaryField(_("public key"), max_length=32)
    private_key = EncryptedSecretField()
    created_at = models.DateTimeField(_("created at"))
    began_at_size = models.BigIntegerField(_("from size"))
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    ended_at_size = models.BigIntegerField(_("to size"), null=True, blank=True)

    class Meta:
        verbose_name = _("audit key")
        verbose_name_plural = _("audit keys")
        constraints = [
            models.UniqueConstraint(
                Value(1), condition=Q(retired_at__isnull=True), name="security_events_auditkey_one_active"
            ),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True, ended_at_size__isnull=True)
                | Q(retired_at__isnull=False, ended_at_size__gte=models.F("began_at_size")),
                name="security_events_auditkey_retired_at_a_size",
            ),
        ]

    def __str__(self) -> str:
        return self.kid


class TrailCheckpoint(models.Model):
    """A signed statement of the size and the root of the tree. The table is append-only, as that of events.

    ``events_from`` and ``events_to`` are the first and the last event that it sealed; ``transaction_id`` is that of the
    last one, so that sealing goes on behind it.
    """

    size = models.BigIntegerField(_("size"), primary_key=True)
    root = models.BinaryField(_("root"), max_length=32)
    note = models.TextField(_("signed note"))
    key_id = models.CharField(_("audit key"), max_length=43)
    created_at = models.DateTimeField(_("created at"))
    events_from = models.UUIDField(_("first event"))
    events_to = models.UUIDField(_("last event"))
    transaction_id = models.BigIntegerField(_("transaction"))

    class Meta:
        managed = False
        db_table = "security_events_trail_checkpoint"
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")

    def __str__(self) -> str:
        return str(self.size)


class CheckpointCosignature(models.Model):
    """The signature of a witness (C2SP tlog-cosignature) for a checkpoint. The table is append-only."""

    id = models.BigAutoField(primary_key=True)
    checkpoint = models.ForeignKey(
        TrailCheckpoint, models.DO_NOTHING, db_column="size", db_constraint=False, related_name="cosignatures"
    )
    witness = models.CharField(_("witness"), max_length=255)
    line = models.TextField(_("line of the note"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        managed = False
        db_table = "security_events_trail_cosignature"
        verbose_name = _("cosignature")
        verbose_name_plural = _("cosignatures")

    def __str__(self) -> str:
        return self.witness
