"""What `tests/standalone/test_standalone.py` runs in a bare project with users of its own: `tokens` from end to end."""

import sys
from datetime import timedelta
from urllib.parse import urlencode

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from security_events.models import SecurityEvent
from security_events.types import Subject
from tests.standalone.people.models import Person
from tokens.models import Session, TokenFamily
from tokens.services import issuing, purging, rotation, service_clients, verification
from tokens.services.service_clients import Operator
from tokens.signals import family_compromised
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db

PHONE = ClientContext(ip_address="203.0.113.7", user_agent="Phone/1.0")


def sign_in(person):
    with transaction.atomic():
        Person.objects.select_for_update().get(pk=person.pk)
        return issuing.open_session(user=person, client=PHONE, amr=["pwd"], now=timezone.now())


@pytest.fixture
def person():
    person = Person(address="ada@example.com")
    person.set_password("violet harbour drum kite")
    person.save()
    return person


@pytest.fixture
def pair(person):
    return sign_in(person)


@pytest.fixture
def api():
    return APIClient()


def refresh(api, token):
    return api.post("/auth/refresh", {"refresh_token": token}, format="json")


def bearing(api, token):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return api


def test_users_are_counted_by_integers(person):
    assert get_user_model() is Person
    assert isinstance(person.pk, int)


def test_a_session_is_opened_and_belongs_to_the_person(person, pair):
    assert Session.objects.get(pk=pair.session_id).user == person
    event = SecurityEvent.objects.get(session_id=pair.session_id)
    assert (event.actor_id, event.actor_name) == (str(person.pk), "a***@example.com")


def test_an_access_token_finds_the_person_in_one_query(person, pair):
    verification.authenticate(presented=pair.access_token, now=timezone.now())
    with CaptureQueriesContext(connection) as captured:
        found = verification.authenticate(presented=pair.access_token, now=timezone.now())
    assert len(captured) == 1
    assert found.user == person
    assert found.user.address == "ada@example.com"
    assert found.user.get_deferred_fields() == {"password"}
    assert found.principal.user_id == person.pk


def test_sessions_are_listed_and_ended_over_plain_drf(api, person, pair):
    other = sign_in(person)
    bearing(api, pair.access_token)

    listed = api.get("/auth/sessions")
    assert listed.status_code == 200
    assert {session["id"] for session in listed.json()["results"]} == {str(pair.session_id), str(other.session_id)}
    assert api.delete(f"/auth/sessions/{other.session_id}").status_code == 204
    assert api.delete("/auth/sessions").json() == {"revoked": 0}
    assert api.post("/auth/logout").status_code == 204

    refused = api.get("/auth/sessions")
    assert refused.status_code == 401
    assert refused.data["detail"].code == "session_revoked"
    assert refused["WWW-Authenticate"] == 'Bearer error="invalid_token", error_description="session_revoked"'


def test_a_refresh_token_has_one_successor(api, pair):
    answers = [refresh(api, pair.refresh_token) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["refresh_token"] == answers[1].json()["refresh_token"]
    assert bearing(api, answers[1].json()["access_token"]).get("/auth/sessions").status_code == 200


def test_a_thief_is_seen_and_the_session_ends(api, person, pair, django_capture_on_commit_callbacks):
    told = []

    def listen(**announcement):
        told.append((announcement["user_id"], announcement["session_id"]))

    family_compromised.connect(listen)
    second = refresh(api, pair.refresh_token).json()
    third = refresh(api, second["refresh_token"]).json()
    with django_capture_on_commit_callbacks(execute=True):
        stolen = refresh(api, pair.refresh_token)

    assert (stolen.status_code, stolen.data["detail"].code) == (401, "refresh_token_reused")
    assert refresh(api, third["refresh_token"]).data["detail"].code == "session_revoked"
    assert bearing(api, third["access_token"]).get("/auth/sessions").status_code == 401
    assert told == [(person.pk, pair.session_id)]
    assert SecurityEvent.objects.filter(type="token.reuse_detected", target_id=str(person.pk)).count() == 1


def test_nobody_needs_a_column_that_says_who_is_active(pair):
    assert not any(field.name == "is_active" for field in Person._meta.fields)
    assert rotation.rotate(presented=pair.refresh_token, now=timezone.now())


def test_nobody_may_ask_about_others_unless_the_project_says_so(api, pair):
    other = Person.objects.create(address="grace@example.com")
    bearing(api, sign_in(other).access_token)

    assert api.post("/auth/introspect", {"token": pair.access_token}, format="json").json() == {"active": False}


def test_revocation_and_discovery_work(api, pair):
    assert api.post("/auth/revoke", {"token": pair.refresh_token}, format="json").json() == {}
    assert Session.objects.get(pk=pair.session_id).end_reason == "token_revoked"
    (key,) = api.get("/.well-known/jwks.json").json()["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("EC", "P-256", "ES256")
    assert jwt.decode(pair.access_token, jwt.PyJWK(key), algorithms=["ES256"], audience="cedrina")["sub"]
    assert api.get("/.well-known/oauth-authorization-server").json()["token_endpoint"].endswith("/oauth/token")


def test_a_service_client_asks_about_tokens_and_is_no_person(api, pair):
    operator = Operator(Subject(id="1"), "a test", service_clients.everything, service_clients.everybody)
    members = {"name": "orders", "scopes": ["tokens:introspect"]}
    made = service_clients.register(members=members, operator=operator, now=timezone.now())
    parameters = {"grant_type": "client_credentials", "client_id": str(made.client.pk), "client_secret": made.secret}
    form = "application/x-www-form-urlencoded"
    token = api.post("/oauth/token", urlencode(parameters), content_type=form).json()["access_token"]
    bearing(api, token)

    asked = api.post("/oauth/introspect", urlencode({"token": pair.access_token}), content_type=form)
    assert asked.json()["active"] is True
    assert api.get("/auth/sessions").status_code == 403
    assert api.get("/admin/service-clients").status_code == 403


def test_junk_is_refused(api):
    assert refresh(api, "junk").status_code == 401
    assert bearing(api, "junk").get("/auth/sessions").data["detail"].code == "invalid_token"
    assert api.post("/auth/refresh", {"refresh_tokens": "x"}, format="json").status_code == 400


def test_purging_forgets_what_is_long_past(person, pair):
    session = Session.objects.get(pk=pair.session_id)

    assert purging.purge_expired(now=session.expires_at + timedelta(days=31)).sessions == 1
    assert not TokenFamily.objects.exists()


def test_nothing_above_was_needed():
    assert not {name for name in sys.modules if name.partition(".")[0] in {"accounts", "cedrina", "ratelimiting"}}
