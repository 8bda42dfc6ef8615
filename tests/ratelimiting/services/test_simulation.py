"""A replay judges each request at its own time and charges no real store."""

from datetime import timedelta

from ratelimiting.access_logs import LoggedRequest
from ratelimiting.services import simulation
from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import RequestAttributes
from tests.ratelimiting.policy_documents import document, policy


def last(requests, *policies):
    return list(simulation.replay(requests=requests, policies=policies))[-1]


class TestReplay:
    def test_leaves_the_real_counts_alone(self, policies, now):
        policies(document(limit=1))
        found = last([LoggedRequest(now, "203.0.113.7", "GET", "/livez")] * 5, policy(limit=1))
        assert (found.requests, found.refused) == (5, 4)
        assert decide_request(attributes=RequestAttributes(address="203.0.113.7", route="livez")).is_allowed

    def test_does_not_go_back_in_time(self, now):
        times = [now, now + timedelta(seconds=90), now + timedelta(seconds=1)]
        found = last(
            [LoggedRequest(at, "203.0.113.7", "GET", "/livez") for at in times],
            policy(limit=2, algorithm="fixed_window"),
        )
        assert found.refused == 0

    def test_tells_what_a_shadow_would_refuse_apart(self, now):
        found = last([LoggedRequest(now, "203.0.113.7", "GET", "/nowhere")] * 3, policy(limit=1, mode="shadow"))
        assert found.refused == 0
        assert found.policies["some"].refused == 2
