"""How far detection has come in the trail, and what it has reported of rules in shadow mode."""

from django.db import models


class DetectionPosition(models.Model):
    """The one row that says which events the rules have seen.

    Events up to ``judged_from`` became facts only: they were there before detection was. The worker that has the lease
    goes on from the position; it stores facts, findings and the new position in one transaction.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    transaction_id = models.BigIntegerField()
    event_id = models.UUIDField()
    judged_from = models.BigIntegerField()
    moved_at = models.DateTimeField()
    lease_id = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="security_events_detection_one")]

    def __str__(self) -> str:
        return f"{self.transaction_id} {self.event_id}"


class ShadowReport(models.Model):
    """An event ``detection.finding_shadowed`` was recorded for a rule and a key in an hour; once is enough."""

    rule = models.CharField(max_length=64)
    key = models.CharField(max_length=64)
    hour = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "rule", "key"], name="security_events_shadow_report")]

    def __str__(self) -> str:
        return f"{self.rule} {self.hour}"
