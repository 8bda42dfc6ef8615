"""Background jobs of this app. Procrastinate imports them by the name of this module."""

from datetime import datetime
from uuid import UUID

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from accounts.services.mailing import (
    delivery,
    erasure_notices,
    incident_mail,
    mail_queue,
    mail_requests,
    registration_mail,
)
from cedrina_base import database_clock

_MAX_WAIT = 3600  # seconds
_MAX_ATTEMPTS = 40  # about a day and a half


class ExponentialBackoff(BaseRetryStrategy):
    """Retry after 4, 8, 16 … seconds, at most an hour: mail servers are unavailable for minutes or for a night."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= _MAX_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": min(_MAX_WAIT, 4 * 2 ** min(job.attempts, 12))})


@app.task(name=mail_queue.SEND_TASK, queue="mail", retry=ExponentialBackoff())
def send_mail(mail_id: str, details: dict[str, str] | None = None, **_for_operators: str) -> None:
    """Send a mail. Other arguments of jobs are for people who read the queue, and for the trace of the job."""
    delivery.deliver(mail_id=UUID(mail_id), details=details, now=database_clock.now())


# `wish` is the argument's name in jobs that are queued already.
@app.task(name=mail_requests.PROCESS_TASK, queue="mail", retry=ExponentialBackoff())
def process_mail_request(wish: str, sealed_address: str, mail_id: str, **_for_operators: str) -> None:
    mail_requests.process(
        requested=mail_requests.RequestedMail(wish),
        sealed_address=sealed_address,
        mail_id=UUID(mail_id),
        now=database_clock.now(),
    )


@app.task(name=registration_mail.ENQUEUE_TASK, queue="mail", retry=ExponentialBackoff())
def enqueue_registration_mail(registration_id: str, **_for_operators: str) -> None:
    registration_mail.enqueue(registration_id=UUID(registration_id), now=database_clock.now())


@app.task(name=erasure_notices.SEND_TASK, queue="mail", retry=ExponentialBackoff())
def send_erasure_notice(mail_id: str, occurred_at: str, sealed_recipient: str, **_for_operators: str) -> None:
    erasure_notices.send(
        mail_id=UUID(mail_id), occurred_at=datetime.fromisoformat(occurred_at), sealed_recipient=sealed_recipient
    )


@app.task(name=incident_mail.SEND_TASK, queue="mail", retry=ExponentialBackoff())
def send_incident_mail(mail_id: str, incidents: list[str], others: int, **_for_operators: str) -> None:
    incident_mail.send(mail_id=UUID(mail_id), incident_ids=[UUID(each) for each in incidents], others=others)
