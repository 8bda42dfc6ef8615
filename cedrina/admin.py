"""The admin's page of background jobs. procrastinate's own pages use inline styles, which our policy forbids."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import (
    ProcrastinateEvent,
    ProcrastinateJob,
    ProcrastinatePeriodicDefer,
    ProcrastinateWorker,
)

from accounts.access.services.decisions import may
from cedrina.models import BackgroundJob, JobFailure
from cedrina.operations import job_actions
from cedrina.operations.job_kinds import JOB_KINDS, JOB_STATES
from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import ask_for_reason

for _model in (ProcrastinateJob, ProcrastinateEvent, ProcrastinateWorker, ProcrastinatePeriodicDefer):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class JobFilter(admin.SimpleListFilter):
    """Filters by a column whose values are known. Django's own filter reads all rows to find out which occur."""

    known: Mapping[str, Any]

    def lookups(self, _request: Any, _model_admin: Any) -> Sequence[tuple[str, Any]]:
        return list(self.known.items())

    def queryset(self, _request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(**{str(self.parameter_name): value}) if value in self.known else queryset.none()


class StateFilter(JobFilter):
    title = _("state")
    parameter_name = "status"
    known = JOB_STATES


class KindFilter(JobFilter):
    title = _("kind")
    parameter_name = "task_name"
    known = JOB_KINDS


class QueueFilter(JobFilter):
    title = _("queue")
    parameter_name = "queue_name"
    known = {"mail": "mail", "maintenance": "maintenance"}


class JobList(ChangeList):
    """A page of jobs, each with its last error and the time of its last change."""

    def get_results(self, request: Any) -> None:
        super().get_results(request)
        self.result_list = _with_history(list(self.result_list))


@admin.register(BackgroundJob)
class BackgroundJobAdmin(ReadOnlyAdmin):
    """Background jobs, without their arguments, which may be about people. Superusers may retry and cancel them."""

    list_display = ["number", "state", "kind", "queue_name_", "attempts_", "scheduled", "changed", "error"]
    list_filter = [StateFilter, KindFilter, QueueFilter]
    ordering = ["-id"]
    readonly_fields = ("number", "state", "kind", "task", "queue_name_", "attempts_", "scheduled", "changed", "error")
    fields = readonly_fields
    actions = ["retry", "cancel"]

    def get_changelist(self, request: Any, **options: Any) -> Any:
        return JobList

    def get_queryset(self, request: Any) -> QuerySet[BackgroundJob]:
        return super().get_queryset(request).defer("args", "lock", "queueing_lock")

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> BackgroundJob | None:
        """Return one job with its history."""
        job = super().get_object(request, object_id, from_field)
        return _with_history([job])[0] if job else None

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return may(request.user, "jobs:read")

    def has_change_jobs_permission(self, request: Any) -> bool:
        return may(request.user, job_actions.CHANGE)

    @admin.display(description=_("number"))
    def number(self, job: BackgroundJob) -> int:
        return int(job.pk)

    @admin.display(description=_("state"))
    def state(self, job: BackgroundJob) -> Any:
        return JOB_STATES.get(job.status, job.status)

    @admin.display(description=_("kind"))
    def kind(self, job: BackgroundJob) -> Any:
        return JOB_KINDS.get(job.task_name, job.task_name)

    @admin.display(description=_("task"))
    def task(self, job: BackgroundJob) -> str:
        return str(job.task_name)

    @admin.display(description=_("queue"))
    def queue_name_(self, job: BackgroundJob) -> str:
        return str(job.queue_name)

    @admin.display(description=_("attempts"))
    def attempts_(self, job: BackgroundJob) -> int:
        return int(job.attempts)

    @admin.display(description=_("not before"))
    def scheduled(self, job: BackgroundJob) -> str:
        return _moment(job.scheduled_at)

    @admin.display(description=_("last change"))
    def changed(self, job: Any) -> str:
        return _moment(job.changed_at)

    @admin.display(description=_("last error"))
    def error(self, job: Any) -> str:
        return job.last_error or "-"

    @admin.action(description=_("Retry failed jobs"), permissions=["change_jobs"])
    def retry(self, request: Any, queryset: QuerySet[Any]) -> Any:
        return self._act(request, queryset, title=_("Retry failed jobs"), service=job_actions.retry)

    @admin.action(description=_("Cancel waiting jobs"), permissions=["change_jobs"])
    def cancel(self, request: Any, queryset: QuerySet[Any]) -> Any:
        return self._act(request, queryset, title=_("Cancel waiting jobs"), service=job_actions.cancel)

    def _act(self, request: Any, queryset: QuerySet[Any], *, title: Any, service: Callable[..., bool]) -> Any:
        def act(job: Any, reason: str) -> bool:
            return service(job_id=job.pk, by=request.user, reason=reason, now=timezone.now())

        return ask_for_reason(self, request, queryset, title=title, act=act)


def _moment(moment: datetime | None) -> str:
    """Format a time; Django does it in lists only, not on the page of one row."""
    return date_format(moment, "DATETIME_FORMAT") if moment else "-"


def _with_history(jobs: list[Any]) -> list[Any]:
    """Give each job its last error and the time of its last change, by two queries for all."""
    ids = [job.pk for job in jobs]
    errors = dict(JobFailure.objects.filter(job_id__in=ids).values_list("job_id", "error"))
    changes = ProcrastinateEvent.objects.filter(job_id__in=ids).values("job_id").annotate(last=Max("at"))
    changed = {row["job_id"]: row["last"] for row in changes}
    for job in jobs:
        job.last_error, job.changed_at = errors.get(job.pk, ""), changed.get(job.pk)
    return jobs
