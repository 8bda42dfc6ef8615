"""A draft that is evaluated reaches processes that decide within 2 seconds, and leaves them as fast."""

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.access.models import ShadowRun
from accounts.access.services.drafts import editing
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.shadow import switching
from accounts.access.types import Author
from tests.programs import busy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]
AUTHOR = Author("1", "ada")
PROMISED_SECONDS = 2.0
ACTIONS = ("read", "write", "list", "erase")
# Decides all the time as a server does, by the thread that follows the policy; says when it begins.
PROGRAM = """
import sys, threading, time
import django
django.setup()
from django.conf import settings
from django.utils import timezone
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.ACCESS = {**settings.ACCESS, "WATCH_SECONDS": 1.0}
from accounts.access.services.decisions import decide
from accounts.access.types import Question, SubjectFacts
facts = SubjectFacts("user:7", frozenset({"reader"}))
def ask(action):
    while True:
        decide(facts, Question("documents/1", action), at=timezone.now())
        time.sleep(0.02)
for action in sys.argv[2:]:
    threading.Thread(target=ask, args=[action], daemon=True).start()
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def processes():
    """Two processes of two threads each; each thread asks for an action of its own."""
    started = []
    for actions in (ACTIONS[:2], ACTIONS[2:]):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, connection.settings_dict["NAME"], *actions],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "cedrina.settings.test"},
            text=True,
        )
        started.append(process)
    for process in started:
        assert process.stdout.readline() == "begun\n"
    yield started
    for process in started:
        process.communicate()


def rule(action):
    return {"subject": "role:reader", "object": "documents/*", "action": action, "effect": "allow"}


@pytest.fixture
def draft():
    now = timezone.now()
    with policy_change(author=AUTHOR, reason="x", now=now) as writer:
        writer.put_role("reader", {})
    changes = [{"op": "add", "rule": rule(action)} for action in ACTIONS]
    return editing.create(changes=changes, base_version=None, author=AUTHOR, reason="x", now=now)


def until(condition, seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def test_it_reaches_and_leaves_all_of_them(processes, draft):
    with busy.Lateness() as lateness:
        run = switching.start(draft_id=draft.pk, duration=timedelta(hours=1), author=AUTHOR, now=timezone.now())
        began = time.monotonic()

        def found():
            return {each["action"] for each in ShadowRun.objects.get(pk=run.pk).examples}

        assert until(lambda: found() == set(ACTIONS), 60), sorted(found())
        # Each process stores its figures a second later at most.
        assert time.monotonic() - began <= PROMISED_SECONDS + 1 + lateness.allowance

        switching.stop(draft_id=draft.pk, author=AUTHOR, now=timezone.now())
        time.sleep(PROMISED_SECONDS + 1 + lateness.allowance)
        figures = ShadowRun.objects.values_list("evaluated", "differences").get(pk=run.pk)
        time.sleep(1.5)
        assert ShadowRun.objects.values_list("evaluated", "differences").get(pk=run.pk) == figures
        assert figures[0] == figures[1] > 8
