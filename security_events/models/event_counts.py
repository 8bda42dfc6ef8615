"""How many events there were in each minute."""

from django.db import models


class EventCount(models.Model):
    """How often something was recorded in a minute: ``series`` says what ``key`` is, such as a type of events.

    The worker counts events in the transaction in which detection takes them, so each is counted once. Repeats that
    one event sums up are counted in the minute in which they happened.
    """

    minute = models.DateTimeField()
    series = models.CharField(max_length=16)
    key = models.CharField(max_length=64)
    number = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["minute", "series", "key"], name="security_events_count_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.key} {self.minute}"
