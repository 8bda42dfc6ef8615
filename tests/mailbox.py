"""Run the queued mail jobs at once, and read what was sent."""

import re

from django.core import mail as outbox
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import tasks

TASKS = {
    "accounts.send_mail": tasks.send_mail,
    "accounts.answer_mail_request": tasks.process_mail_request,
    "accounts.answer_registration": tasks.enqueue_registration_mail,
    "accounts.send_erasure_notice": tasks.send_erasure_notice,
}
CODE = re.compile(r"\d{4}\N{NO-BREAK SPACE}\d{4}")
LINK = re.compile(r"(https?://\S+)/account/([a-z-]+)/(cdm_[A-Za-z0-9_-]{44})\?lang=([a-z]+)")


def work():
    """Run all queued mail jobs and those that they enqueue; return the messages that were sent."""
    before = len(outbox.outbox)
    while jobs := list(ProcrastinateJob.objects.filter(status="todo").order_by("id")):
        for job in jobs:
            TASKS[job.task_name](**job.args)
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job.pk])
    return outbox.outbox[before:]


def queued():
    """Return the kinds of mail that wait to be sent."""
    jobs = ProcrastinateJob.objects.filter(task_name="accounts.send_mail").order_by("id")
    return [job.args["kind"] for job in jobs]


def link_in(message):
    """Return base, page, token and language of the only link of a message, which is the same in text and HTML."""
    (found,) = set(LINK.findall(message.body))
    assert set(LINK.findall(message.alternatives[0][0])) == {found}
    return found


def token_in(message):
    return link_in(message)[2]


def code_in(message):
    """Return the code in a mail that asks for a proof, the same in text and HTML."""
    (found,) = set(CODE.findall(message.body))
    assert set(CODE.findall(message.alternatives[0][0])) == {found}
    return found
