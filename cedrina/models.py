"""The rows of the project itself: background jobs as operators see them, and why jobs failed."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob


class BackgroundJob(ProcrastinateJob):
    """procrastinate's row of a job, under a name of ours. It is changed by ``operations.job_actions`` only."""

    class Meta:
        proxy = True
        verbose_name = _("background job")
        verbose_name_plural = _("background jobs")

    def __str__(self) -> str:
        return f"{self.task_name} {self.pk}"

    @property
    def event_subject_id(self) -> str:
        """The id that security events name the job by."""
        return f"job-{self.pk}"


class SocketProcess(models.Model):
    """A server process with open sockets. It lives until ``alive_until``, which it moves on while it does."""

    id = models.UUIDField(primary_key=True)
    alive_until = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.pk)


class SocketSlot(models.Model):
    """One of the few sockets that a person or a service client may have open, and the process that holds it.

    A slot of a process that does not live any more is free. ``process_id`` has no foreign key, so that processes that
    died are deleted without a look at their slots.
    """

    subject = models.CharField(max_length=64)
    number = models.PositiveSmallIntegerField()
    process_id = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "number"], name="cedrina_socketslot_once")]

    def __str__(self) -> str:
        return f"{self.subject} {self.number}"


class JobFailure(models.Model):
    """The last error of a job: the name of its class. The message could hold personal data, so it is only logged."""

    job_id = models.BigIntegerField(primary_key=True)
    error = models.CharField(_("last error"), max_length=200)
    failed_at = models.DateTimeField(_("failed at"))

    class Meta:
        verbose_name = _("failure of a background job")
        verbose_name_plural = _("failures of background jobs")
        indexes = [models.Index(fields=["failed_at"], name="cedrina_jobfailure_age_idx")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.error}"
