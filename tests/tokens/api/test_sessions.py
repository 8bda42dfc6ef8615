import uuid
from datetime import datetime, timedelta

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.factories.accounts import UserFactory
from tests.factories.tokens import family_of, open_session
from tokens.models import Session
from tokens.types import ClientContext

URL = "/api/v1/auth/sessions"
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def user(db):
    return UserFactory()


@pytest.fixture
def mine(user):
    return open_session(
        user=user, client=ClientContext(ip_address="2001:db8::1", user_agent=FIREFOX), amr=["pwd", "otp"]
    )


@pytest.fixture
def signed_in(api, mine):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {mine.access_token}")
    return api


class TestList:
    def test_shows_each_session_as_in_the_contract(self, signed_in, user, mine):
        open_session(user=user)
        open_session()
        response = signed_in.get(URL)

        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        body = response.json()
        assert body["next"] is None
        other, own = body["results"]
        assert (own["current"], other["current"]) == (True, False)
        session = Session.objects.get(pk=mine.session_id)
        assert {name: own[name] for name in ("id", "ip_address", "user_agent", "device", "location", "amr")} == {
            "id": str(mine.session_id),
            "ip_address": "2001:db8::1",
            "user_agent": FIREFOX,
            "device": "Firefox on Ubuntu",
            "location": None,
            "amr": ["pwd", "otp"],
        }
        for name, moment in (
            ("created_at", session.created_at),
            ("last_activity_at", session.last_activity_at),
            ("expires_at", family_of(mine).expires_at),
        ):
            assert own[name].endswith("Z")
            assert datetime.fromisoformat(own[name]) == moment
        assert set(own) == {
            "id",
            "current",
            "ip_address",
            "user_agent",
            "device",
            "location",
            "created_at",
            "last_activity_at",
            "expires_at",
            "amr",
        }

    def test_names_the_place_where_a_database_of_places_is_given(self, signed_in, settings, tmp_path):
        path = tmp_path / "city.mmdb"
        writer = MMDBWriter(6, "Test", ipv4_compatible=True, languages=["en"], description="")
        writer.insert_network(IPSet(["2001:db8::/32"]), {"country_code": "NO", "city": "Oslo"})
        writer.to_db_file(str(path))
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "GEOIP_PATHS": [str(path)]}

        assert [each["location"] for each in signed_in.get(URL).json()["results"]] == ["Oslo, NO"]

    def test_goes_page_by_page(self, signed_in, user, settings):
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 100}
        for _ in range(6):
            open_session(user=user)
        seen, cursor, pages = [], None, 0
        while cursor or not pages:
            body = signed_in.get(URL, {"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
            assert len(body["results"]) <= 3
            seen += [session["id"] for session in body["results"]]
            cursor, pages = body["next"], pages + 1

        expected = Session.objects.filter(user=user).order_by("-id").values_list("id", flat=True)
        assert (pages, seen) == (3, [str(session_id) for session_id in expected])

    def test_has_no_next_page_when_the_last_is_full(self, signed_in, user):
        open_session(user=user)

        assert signed_in.get(URL, {"limit": 2}).json()["next"] is None

    @pytest.mark.parametrize(
        ("query", "field", "code"),
        [
            ({"limit": 0}, "limit", None),
            ({"limit": 201}, "limit", None),
            ({"limit": "x"}, "limit", "invalid"),
            ({"limit": "9" * 6000}, "limit", None),
            ({"cursor": "x"}, "cursor", "invalid"),
            ({"cursor": "' OR 1=1"}, "cursor", "invalid"),
            ({"cursor": "\0"}, "cursor", None),
            ({"page": 1}, "page", "unknown_field"),
        ],
    )
    def test_refuses_other_parameters(self, signed_in, query, field, code):
        response = signed_in.get(URL, query)

        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["field"] == field
        assert code in (None, error["code"])

    def test_wants_a_token(self, api, db):
        response = api.get(URL)

        assert (response.status_code, response.json()["code"]) == (401, "authentication_required")

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_takes_the_scheme_in_any_case(self, api, mine, scheme):
        assert api.get(URL, headers={"Authorization": f"{scheme} {mine.access_token}"}).status_code == 200

    @pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b"])
    def test_refuses_a_malformed_header(self, api, db, header):
        response = api.get(URL, headers={"Authorization": header})

        assert (response.status_code, response.json()["code"]) == (401, "invalid_token")

    @pytest.mark.parametrize("header", ["", "Basic YTpi", "Token x", "Bearerx y"])
    def test_passes_over_other_schemes(self, api, db, header):
        response = api.get(URL, headers={"Authorization": header})

        assert (response.status_code, response.json()["code"]) == (401, "authentication_required")


class TestEndOthers:
    def test_ends_all_but_this_one(self, signed_in, user, mine):
        for _ in range(3):
            open_session(user=user)
        foreign = open_session()
        response = signed_in.delete(URL)

        assert (response.status_code, response.json()) == (200, {"revoked": 3})
        assert set(Session.objects.filter(ended_at__isnull=True).values_list("pk", flat=True)) >= {
            mine.session_id,
            foreign.session_id,
        }
        assert Session.objects.get(user=user, ended_at__isnull=True).pk == mine.session_id
        assert signed_in.delete(URL).json() == {"revoked": 0}


class TestEnd:
    def test_ends_one(self, signed_in, user, mine):
        other = open_session(user=user)
        response = signed_in.delete(f"{URL}/{other.session_id}")

        assert (response.status_code, response.content) == (204, b"")
        assert Session.objects.get(pk=other.session_id).end_reason == "ended_by_owner"
        assert signed_in.get(URL).status_code == 200

    def test_can_end_the_present_one(self, signed_in, mine):
        assert signed_in.delete(f"{URL}/{mine.session_id}").status_code == 204
        assert signed_in.get(URL).json()["code"] == "session_revoked"

    def test_does_not_find_sessions_of_other_users(self, signed_in):
        foreign = open_session()
        response = signed_in.delete(f"{URL}/{foreign.session_id}")

        assert (response.status_code, response.json()["code"]) == (404, "not_found")
        assert Session.objects.get(pk=foreign.session_id).ended_at is None

    def test_does_not_find_unknown_and_ended_sessions(self, signed_in, user):
        other = open_session(user=user)
        signed_in.delete(f"{URL}/{other.session_id}")

        for session_id in (other.session_id, uuid.uuid4(), "x", "1", "../logout", other.session_id.hex):
            response = signed_in.delete(f"{URL}/{session_id}")
            assert (response.status_code, response.json()["code"]) == (404, "not_found")

    def test_does_not_find_an_expired_one(self, signed_in, user):
        with_past = open_session(user=user)
        family = family_of(with_past)
        family.expires_at -= timedelta(days=8)
        family.save()

        assert signed_in.delete(f"{URL}/{with_past.session_id}").status_code == 404


@pytest.mark.django_db(transaction=True)
class TestStatements:
    def test_are_one_for_the_token_and_one_for_the_list(self, signed_in, counted):
        signed_in.get(URL)
        with counted() as statements:
            assert signed_in.get(URL).status_code == 200

        assert len(statements) == 2, statements
