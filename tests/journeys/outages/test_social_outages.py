"""A slow provider delays only sign-ins by it."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.peers.openid_provider.fake_issuer import REDIRECT_URI, fake_issuer
from tests.programs import served

WAITING = 6


@pytest.mark.fault
class TestASlowProvider:
    def test_holds_no_database_connection_while_it_is_waited_for(self, database_url):
        """With a single connection for the whole process, others are served while six wait for the provider."""
        with fake_issuer() as issuer:
            providers = json.dumps([issuer.provider()])
            pool = {"DATABASE_POOL_MIN": "1", "DATABASE_POOL_MAX": "1"}
            with served.serving(database_url=database_url, SOCIAL_PROVIDERS=providers, **pool) as server:
                go, arrived = threading.Event(), threading.Semaphore(0)

                def slowly():
                    arrived.release()
                    assert go.wait(60)
                    return {"access_token": "an-access-token", "token_type": "Bearer", "id_token": "not.a.token"}

                issuer.answers["/token"] = slowly

                def sign_in(_number):
                    with server.client() as client:
                        body = {"redirect_uri": REDIRECT_URI}
                        departure = client.post("/auth/social/fake/authorize", json=body).json()
                        asked = parse_qs(urlsplit(departure["authorization_url"]).query)
                        assert asked["state"] == [departure["state"]]
                        body = {"code": "a-code", "state": departure["state"]}
                        return client.post("/auth/social/fake/callback", json=body).status_code

                with ThreadPoolExecutor(WAITING) as people, server.client() as client:
                    answers = [people.submit(sign_in, number) for number in range(WAITING)]
                    for _number in range(WAITING):
                        assert arrived.acquire(timeout=120)
                    # Each of these needs the one connection that there is.
                    others = [
                        client.post("/auth/login", json={"username": "nobody", "password": "wrong"}).status_code
                        for _number in range(3)
                    ]
                    go.set()
                    outcomes = {answer.result() for answer in answers}

        assert others == [401, 401, 401]
        # What was waited for too long has become an outage; neither is an error of ours.
        assert outcomes <= {401, 503}
