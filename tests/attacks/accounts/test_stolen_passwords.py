"""Somebody signs in with a stolen password, over HTTP and with the worker of detection (NIST SP 800-63B, 5.2.10)."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import event_types
from accounts.detection_rules import SIGN_IN_RISK
from ratelimiting.services import refusal_reports
from security_events.detection.risk_records import evidence_from
from security_events.models import DetectionFact, Incident, SecurityEvent
from security_events.selectors.trail import end_of_trail
from security_events.services.detection import rule_settings
from security_events.services.recording import record
from security_events.types import Subject
from tests import mailbox
from tests.clients.authenticator import SoftwareKey
from tests.factories import detection
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key
from tests.factories.sign_ins import ABROAD, CHROME, FIREFOX, HOME, past_sign_ins
from tests.factories.tokens import open_session, sign_in_at_admin
from tests.problem_shape import assert_problem
from tokens.models import Session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack("NIST SP 800-63B, 5.2.10")]
AUTH, ADMIN = "/api/v1/auth", "/api/v1/admin"
UNKNOWN = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def mina():
    """A person who signs in at home every day, while others sign in elsewhere; detection begins behind all that."""
    user = UserFactory(username="mina", raw_password=PASSWORD)
    detection.start_at(end_of_trail())
    for other in range(3):
        past_sign_ins(f"other-{other}", days=8, address=ABROAD, user_agent=CHROME)
    past_sign_ins(user.pk)
    yield user
    rule_settings.forget()
    refusal_reports.discard()


@pytest.fixture
def operator(mina):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=UserFactory(admin=True)).access_token}")
    return api


def browser(address=HOME, user_agent=FIREFOX):
    return APIClient(REMOTE_ADDR=address, HTTP_USER_AGENT=user_agent)


def sign_in(client, password=PASSWORD, name="mina"):
    return client.post(f"{AUTH}/login", {"username": name, "password": password}, format="json")


def thief():
    return browser(ABROAD, CHROME)


def newest(kind="authentication.login_succeeded"):
    return SecurityEvent.objects.filter(type=kind).latest("id")


def refuse_from(score):
    rule_settings.change(
        rule_id=SIGN_IN_RISK.id,
        thresholds={"refuse": score},
        reason="-",
        actor=Subject("op", "olga"),
        now=timezone.now(),
    )


class TestTheOwner:
    def test_signs_in_at_home_again_and_again_with_a_low_risk(self, mina, operator):
        for _ in range(2):
            assert sign_in(browser()).status_code == 200
            detection.detect()
            assert newest().risk_score < 20

        assert operator.get(f"{ADMIN}/users/{mina.pk}").json()["risk"] < 20
        listed = operator.get(f"{ADMIN}/users", {"search": "mina"}).json()["results"]
        assert [user["risk"] < 20 for user in listed] == [True]

    def test_is_known_by_the_cookie_of_the_device_on_a_journey(self, mina):
        laptop = browser()
        sign_in(laptop)
        laptop.defaults["REMOTE_ADDR"] = ABROAD
        sign_in(laptop)
        with_cookie = newest()
        sign_in(browser(ABROAD))

        assert with_cookie.data["risk"]["evidence"]["circumstances"][0] == 1
        assert with_cookie.risk_score + 20 < newest().risk_score

    def test_signs_in_by_a_passkey_without_another_proof(self, mina, now):
        key, _added = add_key(mina, key=SoftwareKey(), is_passkey=True, now=now)
        phone = browser(ABROAD, CHROME)
        options = phone.post(f"{AUTH}/passkey/options", {}, format="json").json()
        answer = phone.post(f"{AUTH}/passkey/login", {"credential": key.get(options)}, format="json")

        assert answer.status_code == 200, answer.json()
        assert newest().data["risk"]["choice"] == "notify"
        assert Session.objects.latest("id").step_up_until is None


class TestTheThief:
    def test_gets_no_further_than_ordinary_calls(self, mina, operator):
        pair = sign_in(thief()).json()["tokens"]
        detection.detect()
        api = thief()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access_token']}")

        assert api.get(f"{AUTH}/me").status_code == 200
        body = {"old_password": PASSWORD, "new_password": "another long password 3"}
        assert_problem(api.put(f"{AUTH}/change-password", body, format="json"), status=403, code="step_up_required")
        assert operator.get(f"{ADMIN}/users/{mina.pk}").json()["risk"] >= 75
        kinds = ("new_device", "suspicious_sign_in")
        assert sum(mailbox.queued().count(kind) for kind in kinds) == 1

    def test_does_not_become_known_by_signing_in_again_and_again(self, mina):
        for _ in range(4):
            assert sign_in(thief()).status_code == 200
            detection.detect()
            event = newest()
            assert event.data["risk"]["choice"] == "step_up", event.risk_score
            assert Session.objects.latest("id").step_up_until is not None

        assert Incident.objects.filter(rule="sign_in_risk").count() == 1
        assert sign_in(browser()).status_code == 200
        assert newest().risk_score < 20
        assert DetectionFact.objects.filter(account=str(mina.pk), client__suspect=True).count() == 4

    def test_learns_nothing_from_a_refusal(self, mina):
        refuse_from(76)
        seen = []
        for password in ("wrong", PASSWORD):
            with CaptureQueriesContext(connection) as statements:
                answer = sign_in(thief(), password)
            body = assert_problem(answer, status=401, code="invalid_credentials")
            headers = {name for name in answer.headers if name != "X-Correlation-ID"}
            seen.append((body["detail"], headers, sorted(answer.cookies), len(statements)))

        wrong, right = seen
        assert wrong[:3] == right[:3]
        assert right[3] - wrong[3] == 2 + 1  # those of the risk, and one because the settings have just changed
        assert not Session.objects.filter(user=mina).exists()


class TestTheExplanation:
    def test_is_given_by_the_api_in_words_and_numbers(self, mina, operator):
        sign_in(thief())
        event = newest()

        found = operator.get(f"{ADMIN}/security-events/{event.pk}/risk", HTTP_ACCEPT_LANGUAGE="es").json()

        assert (found["score"], found["recomputed"], found["threshold"]) == (event.risk_score, event.risk_score, 75)
        assert "alcanza el umbral de 75" in found["explanation"]
        assert next(each["factor"] for each in found["features"] if each["weight"] >= 5) in event.risk_reasons
        form = operator.get(f"{ADMIN}/security-events/{event.pk}").json()
        assert form["risk_reasons"] == event.risk_reasons
        assert evidence_from(form["data"]["risk"]["evidence"])

    @pytest.mark.parametrize("form", ["cedrina", "ocsf", "ecs", "cef", "cloudevents"])
    def test_goes_out_in_each_format(self, mina, operator, form):
        sign_in(thief())
        event = newest()

        lines = operator.get(
            f"{ADMIN}/security-events",
            {"format": form, "type": event.type, "min_risk": event.risk_score},
            HTTP_ACCEPT="application/x-ndjson",
        ).content.decode()

        (line,) = [each for each in lines.splitlines() if str(event.pk) in each]
        assert str(event.risk_score) in line
        assert all(reason in line for reason in event.risk_reasons)
        assert "thresholds" in line

    def test_is_for_operators_and_of_sign_ins(self, mina, operator):
        sign_in(browser(), "wrong")
        failed = newest("authentication.login_failed")

        assert_problem(browser().get(f"{ADMIN}/security-events/{failed.pk}/risk"), status=401)
        for event_id in (failed.pk, UNKNOWN):
            answer = operator.get(f"{ADMIN}/security-events/{event_id}/risk")
            assert_problem(answer, status=404, code="not_found")

    def test_is_given_by_the_command(self, mina):
        sign_in(thief())
        event = newest()
        out = StringIO()
        call_command("explain_risk", str(event.pk), stdout=out)
        assert "reaches the threshold of 75" in out.getvalue()

        out = StringIO()
        call_command("explain_risk", str(event.pk), "--json", stdout=out)
        found = json.loads(out.getvalue())
        assert (found["score"], found["choice"], found["mode"]) == (event.risk_score, "step_up", "enforce")

    @pytest.mark.parametrize(("event_id", "exit_code"), [("nonsense", 2), (UNKNOWN, 1)])
    def test_says_what_is_wrong_with_an_id(self, db, event_id, exit_code):
        with pytest.raises(SystemExit) as exited:
            call_command("explain_risk", event_id, "--json", stdout=StringIO())
        assert exited.value.code == exit_code

    def test_fails_if_the_event_does_not_have_the_risk_of_its_evidence(self, mina):
        sign_in(thief())
        event = newest()
        event_id = record(event_types.LOGIN_SUCCEEDED, risk_score=3, data=event.data)
        out = StringIO()
        with pytest.raises(SystemExit) as exited:
            call_command("explain_risk", str(event_id), "--json", stdout=out)
        assert exited.value.code == 1
        assert json.loads(out.getvalue())["error"]["code"] == "risk_differs"

    def test_stands_on_the_page_of_the_event(self, mina, client):
        sign_in(thief())
        sign_in_at_admin(client, UserFactory(admin=True, raw_password=PASSWORD))
        page = client.get(f"/admin/security_events/securityevent/{newest().pk}/change/").content.decode()

        assert "reaches the threshold of 75" in page
        assert '<th scope="row">network</th>' in page
        assert "risk.evidence" not in page
