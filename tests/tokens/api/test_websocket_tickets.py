import pytest

from tests.factories.service_clients import post, register
from tests.factories.tokens import open_session
from tokens.services import websocket_tickets

URL = "/api/v1/auth/ws-ticket"


@pytest.mark.django_db
class TestTicket:
    def test_is_given_as_in_the_contract(self, api, now):
        pair = open_session()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
        answer = api.post(URL)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        assert answer.json().keys() == {"ticket", "expires_in"}
        assert answer.json()["expires_in"] == 30
        found = websocket_tickets.redeem(presented=answer.json()["ticket"], now=now)
        assert found.session_id == pair.session_id

    def test_is_for_sessions_of_people(self, api):
        assert api.post(URL).status_code == 401
        made = register(scopes=["events:read"])
        form = {"grant_type": "client_credentials", "client_id": str(made.client.pk), "client_secret": made.secret}
        token = post(api, "/oauth/token", form).json()["access_token"]
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        assert api.post(URL).status_code == 403
