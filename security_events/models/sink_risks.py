"""The table of what receivers may have lost."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from security_events.models.sinks import Sink


class SinkRisk(models.Model):
    """How many messages a receiver may have lost since the sink exists, and when it may have lost the last ones."""

    sink = models.OneToOneField(Sink, models.CASCADE, primary_key=True, related_name="risk", verbose_name=_("sink"))
    messages = models.BigIntegerField(_("messages that may be lost"))
    last_at = models.DateTimeField(_("last time"))

    class Meta:
        verbose_name = _("messages that may be lost")
        verbose_name_plural = _("messages that may be lost")

    def __str__(self) -> str:
        return str(self.messages)
