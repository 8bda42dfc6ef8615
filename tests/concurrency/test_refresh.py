"""Many clients with the same refresh token get one successor."""

import random
import threading
from collections import Counter, defaultdict

import pytest
from django.utils import timezone

from security_events.models import SecurityEvent
from tests import fault_figures
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session, TokenFamily
from tokens.services import rotation, verification

pytestmark = pytest.mark.fault

THREADS = 16
PRESENTATIONS = 10_000
# How many sessions the threads share in one round and the next: all one, each two of them one, and so on.
SHARED = (1, 2, 4, 8)


class Round:
    """What each session's tab holds before a round, and what the presentations of it got."""

    def __init__(self, number):
        self.sessions = SHARED[number % len(SHARED)]
        self.got = defaultdict(dict)


class TestSharedTokens:
    @pytest.mark.timeout(240)
    def test_never_fork_and_never_lose_a_family(self, at_once, settings):
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": max(SHARED)}
        user = UserFactory()
        held = [open_session(user=user) for _ in range(max(SHARED))]
        rounds = [Round(number) for number in range(PRESENTATIONS // THREADS)]
        turn = threading.Barrier(THREADS)

        def present(thread):
            chance = random.Random(thread)
            for this in rounds:
                session = thread % this.sessions
                presented = held[session].refresh_token
                turn.wait(timeout=60)
                try:
                    pair = rotation.rotate(presented=presented, now=timezone.now())
                    if chance.random() < 0.2:
                        verification.authenticate(presented=pair.access_token, now=timezone.now())
                except Exception:
                    turn.abort()
                    raise
                this.got[session][thread] = held[session] = pair
                turn.wait(timeout=60)

        results = at_once(*(lambda thread=thread: present(thread) for thread in range(THREADS)))

        assert results == [None] * THREADS
        assert sum(len(pairs) for this in rounds for pairs in this.got.values()) == PRESENTATIONS
        branches = sum(
            len({pair.refresh_token for pair in pairs.values()}) - 1 for this in rounds for pairs in this.got.values()
        )
        fault_figures.keep(f"{PRESENTATIONS} racing refreshes", "forked families", branches, goal=0, unit="")
        rotations = Counter()
        for this in rounds:
            for session, pairs in this.got.items():
                assert len({pair.refresh_token for pair in pairs.values()}) == 1, "a family forked"
                rotations[session] += 1
        for session, pair in enumerate(held):
            family = TokenFamily.objects.get(session_id=pair.session_id)
            assert (family.is_revoked, family.generation) == (False, rotations[session] + 1)
            assert rotation.rotate(presented=pair.refresh_token, now=timezone.now())
        assert Session.objects.filter(user=user, ended_at__isnull=True).count() == max(SHARED)
        ids = [pair.session_id for pair in held]
        assert not SecurityEvent.objects.filter(session_id__in=ids, outcome="failure").exists()
        # An event for each rotation, in the statement that made it.
        refreshed = SecurityEvent.objects.filter(session_id__in=ids, type="token.refreshed").count()
        assert refreshed == sum(rotations.values()) + len(held)
