"""Each process decides by the policy in force: told or not told, with the database or without it."""

import random
import subprocess
import sys
import threading
import time
from datetime import timedelta

import httpx
import pytest

from accounts.access.deciding.index import CompiledPolicy, Reason
from accounts.access.errors import PolicyUnavailable
from accounts.access.services import active_policy
from accounts.access.services.compiling import NoPolicy
from cedrina_base import database_watch
from cedrina_base.database_watch import Follower
from tests.accounts.access.policies import random_parents, random_request, random_rules
from tests.journeys.person import Person
from tests.peers.network import Network
from tests.programs import served

# A rule for everybody who asks here, past the service that would notify the processes.
ADD_RULE = """
    WITH head AS (UPDATE access_policyhead SET version = version + 1, rules_id = gen_random_uuid() RETURNING version)
    INSERT INTO access_policyrule (id, subject, object, action, effect, department, location, conditions, note, digest,
        version, created_at, updated_at)
    SELECT gen_random_uuid(), 'user:{user}', '{path}', 'read', 'allow', '', '', '[]', '', sha256('{path}'::bytea),
        version, now(), now() FROM head
"""
WORKERS = 2
BOUND = 60  # seconds, on a machine that does other things; without load it takes one


def answers(server, person, path):
    """Ask by connections of their own, so that each worker is asked."""
    headers = {"Authorization": f"Bearer {person.tokens['access_token']}"}
    body = {"object": path, "action": "read"}
    found = [httpx.post(f"{server.url}/api/v1/authz/check", json=body, headers=headers, timeout=60) for _ in range(12)]
    return {response.json()["allowed"] for response in found}


@pytest.mark.process
def test_all_workers_follow_without_a_notice():
    with (
        served.database() as url,
        served.serving(database_url=url) as one,
        served.serving(database_url=url, flags=("--http",), WEB_CONCURRENCY=str(WORKERS)) as other,
    ):
        person = Person(one)
        user = person.register().json()["user"]["id"]
        assert answers(one, person, "documents/1") == answers(other, person, "documents/1") == {False}
        served.execute(url, ADD_RULE.format(user=user, path="documents/1"))
        started = time.monotonic()
        while answers(one, person, "documents/1") != {True} or answers(other, person, "documents/1") != {True}:
            assert time.monotonic() - started < BOUND
        # With it, they are told at once.
        served.execute(url, ADD_RULE.format(user=user, path="documents/2"), "NOTIFY access_policy")
        while answers(one, person, "documents/2") != {True} or answers(other, person, "documents/2") != {True}:
            assert time.monotonic() - started < 2 * BOUND
        person.close()


# Answers each line of its input: whether an administrator, and somebody in danger, may do something; and the age.
ASKED = """
import sys, django
django.setup()
from cedrina.database.timeouts import set_timeouts
set_timeouts()  # as servers do: a command may wait for a frozen database
from django.utils import timezone
from accounts.access.services import active_policy, decisions
from accounts.access.types import Question, SubjectFacts
for line in sys.stdin:
    found = [
        decisions.decide(SubjectFacts("user:1", frozenset({role})), Question("a", "read"), at=timezone.now())
        for role in ("admin", "break:glass")
    ]
    print(*(each.is_allowed for each in found), found[0].reason, flush=True)
"""


@pytest.mark.process
def test_too_old_a_policy_denies_until_the_database_is_back():
    with served.database() as url, Network(url) as network:
        environment = served.environment(DATABASE_URL=network.url, ACCESS_MAX_STALENESS="2")
        environment["DJANGO_SETTINGS_MODULE"] = "cedrina.settings.dev"
        process = subprocess.Popen(
            [sys.executable, "-c", ASKED],
            cwd=served.ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def ask():
            process.stdin.write("?\n")
            process.stdin.flush()
            return process.stdout.readline().split()

        def until(wanted):
            started = time.monotonic()
            while (found := ask()) != wanted:
                assert time.monotonic() - started < BOUND, found
                time.sleep(0.1)

        try:
            assert ask() == ["True", "True", str(Reason.ALLOWED)]
            for fault in ("cut", "swallow"):
                getattr(network, fault)()
                until(["False", "True", str(Reason.NO_POLICY)])
                network.heal()
                until(["True", "True", str(Reason.ALLOWED)])
        finally:
            process.kill()
            process.communicate()


def answer(policy, request):
    return policy.decide(
        subject=request.subject,
        roles=request.roles,
        object_path=request.object,
        action=request.action,
        attributes=request.attributes,
        at=request.at,
    )


def put_in_force(policy):
    head = active_policy.Head(policy.version, None)
    active_policy._keep(active_policy._Compared(policy, head, time.monotonic()))


def test_threads_see_no_policy_that_never_was():
    """Eight threads decide while another one exchanges the policy: each answer is that of the version it names."""
    rng = random.Random(5)
    requests = [random_request(rng) for _ in range(40)]
    policies = [
        CompiledPolicy(rules=random_rules(rng), parents=random_parents(rng), version=number) for number in range(60)
    ]
    # Written down before, one after the other.
    expected = [[answer(policy, request) for request in requests] for policy in policies]
    wrong, ended = [], threading.Event()

    def ask():
        while not ended.is_set():
            found = [answer(active_policy.current(), request) for request in requests]
            wrong.extend(each for number, each in enumerate(found) if each != expected[each.version][number])

    put_in_force(policies[0])
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for policy in policies[:30]:
        put_in_force(policy)
        time.sleep(0.0002)
    ended.set()
    for thread in threads:
        thread.join()
    active_policy.forget()
    assert not wrong


@pytest.mark.django_db
class TestReading:
    def test_a_rule_that_cannot_be_read_denies_all(self, policy, caplog):
        rule = policy.allow("user:1", "**", "*")
        type(rule).objects.filter(pk=rule.pk).update(conditions=[{"name": "no such condition"}])
        active_policy.forget()
        assert isinstance(active_policy.current(), NoPolicy)
        assert "access_policy_unreadable" in caplog.text

    def test_a_damaged_column_denies_all(self, policy):
        rule = policy.allow("user:1", "**", "*")
        type(rule).objects.filter(pk=rule.pk).update(hours="always")
        active_policy.forget()
        assert isinstance(active_policy.current(), NoPolicy)

    def test_waits_for_no_more_versions_than_it_has_threads_to_spare(self, policy):
        taken = [active_policy._state.waiting.acquire(blocking=False) for _ in range(active_policy._MOST_WAITING)]
        assert all(taken)
        started = time.monotonic()
        with pytest.raises(PolicyUnavailable):
            active_policy.at_least(10**9, wait=timedelta(hours=1))
        assert time.monotonic() - started < 600
        for _ in taken:
            active_policy._state.waiting.release()


@pytest.mark.django_db
class TestRounds:
    @pytest.fixture
    def followers(self, monkeypatch):
        """Let a test register followers of its own."""
        found = {}
        monkeypatch.setattr(database_watch, "_followers", found)
        monkeypatch.setattr(database_watch, "_state", database_watch._ThreadState())
        return found

    def test_call_all_followers_whatever_one_does(self, followers, now, caplog):
        called = []

        def fail(_now):
            raise LookupError

        for name, act in (("one", fail), ("two", called.append)):
            database_watch.register(Follower(name, f"channel_{name}", act, lambda: 0.5))
        database_watch.register(Follower("off", "channel_off", called.append, lambda: 0))
        listening = set()
        for _ in range(2):
            assert database_watch.run_round(listening, now=now) == 0.5
        assert called == [now, now]
        assert listening == {"channel_one", "channel_two"}
        assert caplog.text.count("database_not_followed: one, LookupError") == 1  # once, not in each round

    def test_start_no_thread_while_no_app_wants_rounds(self, followers):
        database_watch.register(Follower("off", "channel_off", lambda _now: None, lambda: 0))
        database_watch.start()
        assert not database_watch.is_running()
