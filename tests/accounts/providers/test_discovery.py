"""What an issuer publishes is fetched once in a while."""

import threading

import pytest

from accounts.errors import ProviderUnavailable
from accounts.providers.discovery import FRESH_SECONDS, MAX_STALE_SECONDS, RETRY_SECONDS, DocumentCache

PATH = "/.well-known/openid-configuration"


class Clock:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def get(issuer, clock):
    documents = DocumentCache(clock)
    return lambda **options: documents.get(issuer.url + PATH, check=lambda _document: None, **options)


class TestDocuments:
    def test_are_fetched_anew_when_they_are_old(self, get, issuer, clock):
        get(), get()
        assert issuer.count(PATH) == 1
        clock.seconds += FRESH_SECONDS + 1
        get(), get()
        assert issuer.count(PATH) == 2

    def test_are_used_on_while_the_issuer_is_away_and_not_for_ever(self, get, issuer, clock):
        document = get()
        issuer.answers[PATH] = (500, b"", {})
        clock.seconds += FRESH_SECONDS + 1
        assert get() == document
        get()
        assert issuer.count(PATH) == 2
        clock.seconds += MAX_STALE_SECONDS
        with pytest.raises(ProviderUnavailable):
            get()

    def test_that_failed_are_not_asked_for_again_at_once(self, get, issuer, clock):
        issuer.answers[PATH] = (500, b"", {})
        for _ in range(3):
            with pytest.raises(ProviderUnavailable):
                get()
        assert issuer.count(PATH) == 1
        del issuer.answers[PATH]
        clock.seconds += RETRY_SECONDS
        assert get()["issuer"] == issuer.url

    def test_that_are_known_to_be_stale_are_fetched_every_few_seconds_at_most(self, get, issuer, clock):
        # Somebody who sends tokens with invented key ids must not make us hammer the issuer.
        get()
        for _ in range(10):
            get(is_stale=True)
        assert issuer.count(PATH) == 1
        clock.seconds += RETRY_SECONDS
        for _ in range(10):
            get(is_stale=True)
        assert issuer.count(PATH) == 2

    def test_are_fetched_by_one_thread_for_all(self, get, issuer):
        threads = [threading.Thread(target=get) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert issuer.count(PATH) == 1
