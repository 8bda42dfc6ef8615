"""Every process follows changes, told or not told."""

import time

import httpx
import pytest
from django.utils import timezone

from cedrina_base import database_watch
from ratelimiting.services import active_policies, background_thread, refusal_reports
from ratelimiting.services import policies as stored
from tests.programs import served
from tests.ratelimiting.policy_documents import BOSS, document


class TestLook:
    @pytest.mark.django_db
    def test_follows_and_hands_on(self, now):
        done = []
        stored.create(document=document(), author=BOSS, reason="r", now=timezone.now())
        refusal_reports.defer(act=lambda: done.append(1))
        background_thread.run_once(now=now)
        assert "some" in active_policies.current().policies
        assert done == [1]

    @pytest.mark.django_db
    def test_logs_policies_for_routes_that_have_disappeared_once_routes_are_loaded(self, now, settings, caplog):
        stored.create(document=document(match={"routes": ["login"]}), author=BOSS, reason="r", now=timezone.now())
        settings.ROOT_URLCONF = "tests.ratelimiting.one_route"
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": []}
        background_thread._state = background_thread._ProcessState()  # as in a new process
        background_thread.run_once(now=now)
        assert "rate_limit_policy_names_nothing" not in caplog.text

        background_thread.note_routes_loaded()
        background_thread.run_once(now=now)
        background_thread.run_once(now=now)
        assert caplog.text.count("rate_limit_policy_names_nothing") == 1
        assert "database: policy 'some', match.routes: login is no route" in caplog.text

    def test_does_not_begin_where_it_is_switched_off(self):
        background_thread.start()
        background_thread.wait_for_policies()
        assert not database_watch.is_running()


def limit_at(server):
    return httpx.get(f"{server.url}/livez", timeout=60).headers["RateLimit-Policy"]


def seen_by(server, policy):
    """Wait, generously, until a process shows the policy; return after how many seconds."""
    started = time.monotonic()
    while policy not in limit_at(server):
        assert time.monotonic() - started < 60, limit_at(server)
        time.sleep(0.05)
    return time.monotonic() - started


INSERT = """
    INSERT INTO ratelimiting_policyversion
        (number, change, policy, snapshot, author_id, author, reason, created_at)
    VALUES ({number}, 'created', 'seen', '[{{"name": "seen", "limit": {limit}, "window": 1, "scope": ["ip"]}}]',
        '', '', 'by hand', now())
"""


@pytest.mark.process
class TestTwoProcesses:
    def test_follow_a_change_even_when_its_notice_is_lost(self):
        with (
            served.database() as url,
            served.serving(database_url=url) as one,
            served.serving(database_url=url, flags=("--http",)) as other,
        ):
            assert '"seen"' not in limit_at(one) + limit_at(other)
            # Written without the notice: only the version tells.
            served.execute(url, INSERT.format(number=1, limit=7))
            for server in (one, other):
                seen_by(server, '"seen";q=7;w=1')
            served.execute(url, INSERT.format(number=2, limit=8), "NOTIFY ratelimiting_policies")
            for server in (one, other):
                seen_by(server, '"seen";q=8;w=1')
