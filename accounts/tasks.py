"""Jobs of this app, found by the background worker under this module's name."""

from uuid import UUID

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from accounts.services.mailing import delivery, mail_queue, mail_requests, registration_mail

_LONGEST_WAIT = 3600
_MOST_ATTEMPTS = 40  # a day and a half


class Patiently(BaseRetryStrategy):
    """Try again after 4, 8, 16 seconds and so on up to an hour: mail servers are away for minutes or for a night."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= _MOST_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": min(_LONGEST_WAIT, 4 * 2 ** min(job.attempts, 12))})


@app.task(name=mail_queue.SEND_TASK, queue="mail", retry=Patiently())
def send_mail(mail_id: str, details: dict[str, str] | None = None, **_about: str) -> None:
    """Hand a mail over; what the job says besides is for whoever looks at the queue."""
    delivery.deliver(mail_id=UUID(mail_id), details=details)


@app.task(name=mail_requests.ANSWER_TASK, queue="mail", retry=Patiently())
def answer_mail_request(wish: str, sealed_address: str, mail_id: str) -> None:
    mail_requests.answer(wish=mail_requests.Wish(wish), sealed_address=sealed_address, mail_id=UUID(mail_id))


@app.task(name=registration_mail.ANSWER_TASK, queue="mail", retry=Patiently())
def answer_registration(registration_id: str) -> None:
    registration_mail.answer(registration_id=UUID(registration_id))
