"""Calls to providers are bounded in time, in size and in number."""

import threading
import time
import zlib
from types import SimpleNamespace

import pytest

from accounts.errors import ProviderUnavailable, SocialTokenInvalid
from accounts.providers import transport


class TestACall:
    def test_takes_no_password_from_a_netrc(self, issuer, monkeypatch, tmp_path):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        sent = []
        issuer.answers["/x"] = lambda: sent.append(1) or {"a": 1}
        with transport.BoundedSession() as session:
            response = session.get(f"{issuer.url}/x")
        assert sent == [1]
        assert "Authorization" not in response.request.headers

    def test_stops_at_a_compressed_bomb(self, issuer):
        compressor = zlib.compressobj(wbits=31)
        bomb = compressor.compress(b" " * (64 * transport.MAX_RESPONSE_BYTES)) + compressor.flush()
        assert len(bomb) < transport.MAX_RESPONSE_BYTES
        issuer.answers["/x"] = (200, bomb, {"Content-Encoding": "gzip"})
        with pytest.raises(SocialTokenInvalid) as refusal:
            transport.get_json(f"{issuer.url}/x")
        assert refusal.value.context == {"reason": "too_large"}

    def test_stops_at_an_answer_that_trickles(self, issuer, monkeypatch):
        passed = [0.0]
        monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: passed[0]))
        monkeypatch.setattr(transport, "_CHUNK", 1)

        def late():
            passed[0] += 2 * transport.TOTAL_SECONDS
            return {"a": 1}

        issuer.answers["/x"] = late
        # The clock of the body begins with it; the wait before it is bounded by READ_SECONDS.
        assert transport.get_json(f"{issuer.url}/x") == {"a": 1}
        monkeypatch.setattr(transport, "TOTAL_SECONDS", -1)
        with pytest.raises(ProviderUnavailable) as refusal:
            transport.get_json(f"{issuer.url}/x")
        assert refusal.value.context == {"reason": "too_slow"}

    def test_is_refused_at_once_where_many_wait_already(self, issuer, monkeypatch):
        # Those who wait shall wait until all of them have come, also on a machine that is busy.
        monkeypatch.setattr(transport, "READ_SECONDS", 120)
        monkeypatch.setattr(transport, "TOTAL_SECONDS", 120)
        go = threading.Event()
        issuer.answers["/slow"] = lambda: go.wait(120) and {"a": 1}
        waiting = [
            threading.Thread(target=transport.get_json, args=(f"{issuer.url}/slow",))
            for _ in range(transport.MAX_CONCURRENT_CALLS)
        ]
        for thread in waiting:
            thread.start()
        while issuer.count("/slow") < transport.MAX_CONCURRENT_CALLS:
            time.sleep(0.01)
        with pytest.raises(ProviderUnavailable) as refusal:
            transport.get_json(f"{issuer.url}/slow")
        go.set()
        for thread in waiting:
            thread.join()
        assert refusal.value.context == {"reason": "too_many_calls"}
        assert transport.get_json(f"{issuer.url}/slow") == {"a": 1}

    def test_says_nothing_of_where_it_went_when_it_fails(self, issuer):
        issuer.close()
        with pytest.raises(ProviderUnavailable) as refusal:
            transport.get_json(f"{issuer.url}/x", params={"access_token": "a-secret"})
        assert refusal.value.__cause__ is None
        assert refusal.value.__suppress_context__
        assert "a-secret" not in str(refusal.value.context)
