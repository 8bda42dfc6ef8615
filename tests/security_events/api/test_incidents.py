"""The API of incidents: who may, filters and pages, versions, verdicts, and taking responses back."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from cedrina_base.uuids import uuid7
from security_events.models import Incident, IncidentEvent
from tests.factories.accounts import UserFactory, give
from tests.factories.incidents import NETWORK, open_incident
from tests.factories.service_clients import answer, basic, post, register
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem
from tokens.models import Session

pytestmark = pytest.mark.django_db

URL = "/api/v1/admin/incidents"
NOBODY = UUID(int=7)
NOW = timezone.now()
ACCOUNT = {"subject": "ada", "is_account": True}


def signed_in(user=None):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user or UserFactory(admin=True)).access_token}")
    return client


@pytest.fixture
def client():
    return signed_in()


def send(client, method, path="", body=None, version=None):
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return getattr(client, method)(f"{URL}{path}", body, format="json", headers=headers)


def refused_field(response, field, code="invalid"):
    problem = assert_problem(response, status=422, code="validation_error")
    assert [(each["field"], each["code"]) for each in problem["errors"]] == [(field, code)]


class TestWho:
    CALLS = (
        ("get", ""),
        ("get", f"/{NOBODY}"),
        ("patch", f"/{NOBODY}"),
        ("get", f"/{NOBODY}/events"),
        ("post", f"/{NOBODY}/undo"),
    )

    def test_people_without_the_right_are_refused_by_each_call(self):
        client = signed_in(UserFactory())
        for method, path in self.CALLS:
            assert_problem(send(client, method, path), status=403, code="permission_denied")
            assert_problem(send(APIClient(), method, path), status=401, code="authentication_required")

    @pytest.mark.attack("OWASP ASVS 5.0, 7.5.3")
    def test_whoever_changes_something_has_signed_in_lately(self, client):
        incident = open_incident(now=NOW)
        Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6))
        rule = "/api/v1/admin/detection-rules/brute_force"
        for url in (f"{URL}/{incident.pk}", f"{URL}/{incident.pk}/events", rule, f"{rule}/versions"):
            assert client.get(url).status_code == 200
        for refusal in (
            send(client, "patch", f"/{incident.pk}", {"status": "acknowledged"}, version=1),
            send(client, "post", f"/{incident.pk}/undo", {"response": str(incident.responses.first().pk)}),
            client.patch(rule, {"mode": "off", "reason": "x"}, format="json"),
        ):
            assert_problem(refusal, status=403, code="reauthentication_required")

    def test_staff_with_the_right_to_read_changes_nothing(self):
        user = UserFactory()
        give(user, "incidents:read")
        client, incident = signed_in(user), open_incident(now=NOW)
        assert send(client, "get", f"/{incident.pk}").status_code == 200
        for method, path in (("patch", f"/{incident.pk}"), ("post", f"/{incident.pk}/undo")):
            assert_problem(send(client, method, path, {}, version=1), status=403, code="permission_denied")

    @pytest.mark.parametrize(("scope", "status"), [("incidents:read", 200), ("events:read", 403)])
    def test_a_service_client_reads_what_its_scope_names(self, scope, status):
        incident = open_incident(now=NOW)
        made = register(name="siem", scopes=[scope])
        given = post(
            APIClient(),
            "/oauth/token",
            {"grant_type": "client_credentials"},
            headers=basic(made.client.pk, made.secret),
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer(given)[1]['access_token']}")
        assert send(client, "get").status_code == status
        assert send(client, "get", f"/{incident.pk}").status_code == status
        assert send(client, "patch", f"/{incident.pk}", {"status": "acknowledged"}, version=1).status_code == 403


class TestList:
    def test_shows_the_form_of_the_contract_newest_first(self, client):
        open_incident(now=NOW, **ACCOUNT)
        newest = open_incident(now=NOW, rule="brute_force", key="ada", **ACCOUNT)
        body = send(client, "get").json()
        assert [each["rule"] for each in body["results"]] == ["brute_force", "credential_stuffing"]
        first = body["results"][0]
        assert first["id"] == str(newest.pk)
        assert (first["status"], first["severity"], first["subject"], first["network"]) == (
            "open",
            "medium",
            "ada",
            NETWORK,
        )
        assert (first["events"], first["risk_score"], first["verdict"], first["note"]) == (3, 47, None, "")
        assert {each["kind"] for each in first["responses"]} == {"notify", "step_up", "tighten_network"}
        assert first["responses"][0]["undone_at"] is None
        assert first["evidence"] == {"tries": 41, "accounts": 40, "addresses": 3}

    def test_filters_by_each_column(self, client):
        open_incident(now=NOW)
        open_incident(now=NOW, rule="brute_force", key="ada", **ACCOUNT)

        def found(**filters):
            response = client.get(URL, filters)
            assert response.status_code == 200, response.json()
            return [each["rule"] for each in response.json()["results"]]

        assert found(rule="brute_force") == ["brute_force"]
        assert found(severity="high") == ["credential_stuffing"]
        assert found(severity="medium+") == ["brute_force", "credential_stuffing"]
        assert found(status="open", subject="ada") == ["brute_force"]
        assert found(status="resolved") == []

    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("status", "closed", "invalid"),
            ("severity", "fatal", "invalid"),
            ("cursor", "' OR 1=1", "invalid"),
            ("limit", "0", "invalid"),
            ("rule", "x" * 65, "max_length"),
            ("subject", "a\0b", "invalid"),
            ("colour", "red", "unknown_field"),
        ],
    )
    def test_refuses_what_is_no_filter(self, client, name, value, code):
        refused_field(client.get(URL, {name: value}), name, code)

    def test_is_read_page_by_page_by_two_queries_each(self, client, django_assert_max_num_queries):
        for number in range(7):
            open_incident(now=NOW, key=str(number))
        send(client, "get")
        found, cursor = [], None
        while True:
            with django_assert_max_num_queries(4):  # two of them authenticate
                page = client.get(URL, {"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
            found += [each["id"] for each in page["results"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert found == [str(pk) for pk in Incident.objects.order_by("-pk").values_list("pk", flat=True)]


class TestOne:
    def test_has_its_newest_events_and_leads_to_their_proofs(self, client):
        incident = open_incident(now=NOW, stored=True, events=25)
        body = send(client, "get", f"/{incident.pk}").json()
        assert len(body["timeline"]) == 20
        newest = body["timeline"][0]
        assert (newest["type"], newest["outcome"]) == ("network.refusals_suppressed", "success")
        assert client.get(newest["event"]).json()["id"] == newest["id"]
        assert client.get(newest["proof"]).status_code == 409  # not sealed yet
        rest = client.get(f"{URL}/{incident.pk}/events", {"cursor": body["timeline_next"]}).json()
        assert (len(rest["results"]), rest["next"]) == (5, None)
        refused_field(client.get(f"{URL}/{incident.pk}/events", {"cursor": "0"}), "cursor")
        assert_problem(client.get(f"{URL}/{NOBODY}/events"), status=404, code="not_found")

    def test_stays_quick_with_ten_thousand_events(self, client, django_assert_max_num_queries):
        for _ in range(4):
            incident = open_incident(now=NOW, events=2500)
        assert (Incident.objects.count(), IncidentEvent.objects.count()) == (1, 1000)
        send(client, "get", f"/{incident.pk}")
        with django_assert_max_num_queries(6):  # two of them authenticate
            body = send(client, "get", f"/{incident.pk}").json()
        assert (body["events"], len(body["timeline"]), body["timeline"][0]["type"]) == (10_000, 20, None)
        assert len(body["responses"]) == 1  # no account, so the network alone


class TestChange:
    def test_needs_the_version_that_was_read(self, client):
        incident = open_incident(now=NOW)
        path, body = f"/{incident.pk}", {"status": "acknowledged"}
        assert_problem(send(client, "patch", path, body), status=428, code="precondition_required")
        assert_problem(send(client, "patch", path, body, version=9), status=412, code="version_mismatch")
        etag = send(client, "get", path)["ETag"]
        changed = client.patch(f"{URL}{path}", body, format="json", headers={"If-Match": etag})
        assert (changed.status_code, changed.json()["status"], changed["ETag"]) == (200, "acknowledged", '"2"')
        assert_problem(send(client, "patch", f"/{NOBODY}", body, version=1), status=404, code="not_found")

    def test_resolves_with_a_verdict(self, client):
        incident = open_incident(now=NOW, **ACCOUNT)
        path = f"/{incident.pk}"
        refused_field(send(client, "patch", path, {"status": "resolved"}, version=1), "verdict", "required")
        refused_field(send(client, "patch", path, {"status": "open", "verdict": "benign"}, version=1), "verdict")
        refused_field(send(client, "patch", path, {"status": "resolved", "verdict": "no"}, version=1), "verdict")
        refused_field(send(client, "patch", path, {"note": "x" * 2001}, version=1), "note", "max_length")
        refused_field(send(client, "patch", path, {"events": 0}, version=1), "events", "unknown_field")
        body = {"status": "resolved", "verdict": "false_positive", "note": "the office"}
        done = send(client, "patch", path, body, version=1).json()
        assert (done["status"], done["verdict"], done["note"]) == ("resolved", "false_positive", "the office")
        assert {each["kind"] for each in done["responses"] if each["undone_at"]} == {"step_up", "tighten_network"}

    def test_reopens_nothing_beside_a_newer_one(self, client):
        first = open_incident(now=NOW)
        send(client, "patch", f"/{first.pk}", {"status": "resolved", "verdict": "benign"}, version=1)
        open_incident(now=NOW)
        answered = send(client, "patch", f"/{first.pk}", {"status": "open"}, version=2)
        assert_problem(answered, status=409, code="already_exists")


class TestUndo:
    def test_takes_one_response_back_once(self, client):
        incident = open_incident(now=NOW, **ACCOUNT)
        rows = {row.kind: str(row.pk) for row in incident.responses.all()}
        path = f"/{incident.pk}/undo"
        for _ in range(2):
            body = send(client, "post", path, {"response": rows["step_up"]}).json()
            (undone,) = [each for each in body["responses"] if each["undone_at"]]
        assert (undone["kind"], UUID(undone["undone_by"])) == ("step_up", UUID(undone["undone_by"]))
        assert_problem(send(client, "post", path, {"response": rows["notify"]}), status=409, code="already_exists")

    def test_refuses_what_is_no_response_of_it(self, client):
        incident, other = open_incident(now=NOW), open_incident(now=NOW, key="other")
        path, foreign = f"/{incident.pk}/undo", str(other.responses.get().pk)
        assert_problem(send(client, "post", path, {"response": foreign}), status=404, code="not_found")
        assert_problem(send(client, "post", path, {"response": str(uuid7())}), status=404, code="not_found")
        refused_field(send(client, "post", path, {"response": "all"}), "response")
        refused_field(send(client, "post", path, {}), "response", "required")
