"""The risk of sign-ins: how it is computed, what it leads to, and that nothing fails by it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.client_tokens import known_devices
from accounts.detection_rules import SIGN_IN_RISK
from accounts.errors import CredentialsInvalid
from accounts.models import SignInFailures
from accounts.services.administration import admin_sign_in
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in import password_sign_in
from ratelimiting.services import refusal_reports
from security_events import context
from security_events.detection import risk, risk_records
from security_events.detection.rules import RULES
from security_events.models import Incident, IncidentResponse, ShadowCount
from security_events.services.detection import incidents, risk_explanation, rule_settings
from security_events.services.detection.incidents import Cause
from security_events.types import ResponseKind, RuleMode, Subject
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.sign_ins import ABROAD, CHROME, FIREFOX, HOME, past_sign_ins, places_file
from tokens.models import Session
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db
OPERATOR = Subject("op", "olga")


@pytest.fixture(autouse=True)
def own_settings():
    rule_settings.forget()
    refusal_reports.discard()
    yield
    rule_settings.forget()
    refusal_reports.discard()


@pytest.fixture
def mina(now):
    """A person who has signed in at home for twelve days, among others who sign in elsewhere."""
    user = UserFactory(username="mina", raw_password=PASSWORD)
    for other in range(3):
        past_sign_ins(f"other-{other}", days=8, address=ABROAD, user_agent=CHROME)
    past_sign_ins(user.pk)
    return user


def change(mode=None, **thresholds):
    rule_settings.change(
        rule_id=SIGN_IN_RISK.id, mode=mode, thresholds=thresholds, reason="-", actor=OPERATOR, now=timezone.now()
    )


def sign_in(*, address=HOME, user_agent=FIREFOX, password=PASSWORD, name="mina", **more):
    client = ClientContext(ip_address=address, user_agent=user_agent)
    with context.bind(context.RequestContext(ip_address=address, user_agent=user_agent)):
        return password_sign_in.sign_in(name=name, password=password, client=client, now=timezone.now(), **more)


def sign_in_abroad(**more):
    return sign_in(address=ABROAD, user_agent=CHROME, **more)


class TestTheEvent:
    def test_holds_all_that_its_risk_was_computed_from(self, mina, events):
        sign_in_abroad()

        event = events("authentication.login_succeeded").get()
        stored = event.data["risk"]
        evidence = risk_records.evidence_from(stored["evidence"])
        assert risk.assess(evidence).score == event.risk_score >= stored["thresholds"]["step_up"]
        assert {"network", "system"} <= set(event.risk_reasons) <= set(risk_records.REASONS)
        assert list(risk.assess(evidence).reasons) == event.risk_reasons
        assert (stored["choice"], stored["mode"], stored["rule_version"]) == ("step_up", "enforce", 0)

    def test_has_a_low_risk_at_home_a_higher_one_by_another_program_and_the_highest_abroad(
        self, request, events, settings, tmp_path
    ):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "GEOIP_PATHS": [places_file(tmp_path)]}
        request.getfixturevalue("mina")
        for address, agent in ((HOME, FIREFOX), (HOME, CHROME), (ABROAD, CHROME)):
            sign_in(address=address, user_agent=agent)

        home, program, abroad = events("authentication.login_succeeded").order_by("pk")
        assert home.risk_score < 20 < program.risk_score < abroad.risk_score
        assert home.risk_reasons == []
        assert "country" in abroad.risk_reasons

    def test_knows_nothing_of_a_first_sign_in(self, events):
        UserFactory(username="mina", raw_password=PASSWORD)
        sign_in()

        event = events("authentication.login_succeeded").get()
        assert (event.risk_score, event.risk_reasons, event.data["risk"]["choice"]) == (50, [], "allow")

    def test_explains_itself_in_words(self, mina, events):
        sign_in_abroad()
        event = events("authentication.login_succeeded").get()
        form = {"risk_score": event.risk_score, "data": event.data}

        explained = risk_explanation.explain(form)

        assert explained.recomputed == explained.score
        assert explained.threshold == 75
        assert f"{event.risk_score} reaches the threshold of 75" in explained.explanation
        network = next(each for each in explained.features if each.factor == "network")
        assert network.explanation.startswith("The same in 0 of 11")  # a sign-in of some days ago counts a little less
        assert risk_explanation.explain({"risk_score": 3, "data": {"risk": {"evidence": {}}}}) is None


class TestWhatFollows:
    def test_is_nothing_at_home(self, mina, empty_queue):
        sign_in()

        assert not Incident.objects.exists()
        assert "suspicious_sign_in" not in mailbox.queued()

    def test_is_a_proof_and_one_mail_abroad(self, mina, events):
        session = sign_in_abroad().tokens.session_id

        incident = Incident.objects.get()
        assert (incident.rule, incident.subject, incident.network) == (
            "sign_in_risk",
            str(mina.pk),
            "198.51.100.0/24",
        )
        assert incident.risk_score >= 75
        assert {"factor", "weight", "evidence"} == set(incident.risk_reasons[0])
        response = IncidentResponse.objects.get()
        assert (response.kind, response.session_id) == (ResponseKind.STEP_UP, session)
        assert Session.objects.get().step_up_until == response.ends_at
        assert len([kind for kind in mailbox.queued() if kind in ("new_device", "suspicious_sign_in")]) == 1
        event = events("authentication.login_succeeded").get()
        assert incident.timeline.get().event_id == event.pk

    def test_is_a_mail_alone_below_the_second_threshold(self, mina):
        change(step_up=100)
        sign_in()  # the first session of an account is no new client
        sign_in_abroad()

        assert not Incident.objects.exists()
        assert mailbox.queued().count("new_device") + mailbox.queued().count("suspicious_sign_in") == 1

    def test_is_reported_only_in_shadow_mode(self, mina, events):
        change(RuleMode.SHADOW)
        sign_in_abroad()

        assert not Incident.objects.exists()
        assert Session.objects.get().step_up_until is None
        assert ShadowCount.objects.get().findings == 1
        shadowed = events("detection.finding_shadowed").get().data
        assert (shadowed["rule"], shadowed["responses"]) == ("sign_in_risk", ["step_up"])
        assert "suspicious_sign_in" not in mailbox.queued()

    def test_is_nothing_if_the_rule_is_off(self, mina, events):
        change(RuleMode.OFF)
        sign_in_abroad()

        assert events("authentication.login_succeeded").get().data["risk"]["choice"] == "allow"
        assert not Incident.objects.exists()

    def test_is_at_most_a_mail_after_two_factors(self, mina, events):
        with context.bind(context.RequestContext(ip_address=ABROAD, user_agent=CHROME)):
            password_sign_in.complete_sign_in(
                user=mina, amr=["hwk", "mfa"], client=ClientContext(ABROAD, CHROME), now=timezone.now()
            )

        assert events("authentication.login_succeeded").get().data["risk"]["choice"] == "notify"
        assert not Incident.objects.exists()

    def test_of_a_first_factor_stands_in_the_event_of_the_challenge(self, mina, events):
        change(refuse=76)
        mina.is_mfa_enabled = True
        mina.save(update_fields=["is_mfa_enabled"])

        assert isinstance(sign_in_abroad(), MfaChallenge)

        event = events("mfa.challenged").get()
        assert event.risk_score >= 76
        assert event.data["risk"]["choice"] == "notify"

    @pytest.mark.parametrize("way", ["fed", "admin"])
    def test_is_the_same_by_other_ways_in(self, mina, way, events):
        client = ClientContext(ABROAD, CHROME)
        with context.bind(context.RequestContext(ip_address=ABROAD, user_agent=CHROME)):
            if way == "admin":
                admin_sign_in.complete_sign_in(user=mina, client=client, now=timezone.now())
            else:
                password_sign_in.complete_sign_in(user=mina, amr=["fed"], client=client, now=timezone.now())

        kind = "admin.login_succeeded" if way == "admin" else "authentication.login_succeeded"
        assert events(kind).get().data["risk"]["choice"] == "step_up"
        assert IncidentResponse.objects.get().kind == ResponseKind.STEP_UP


class TestARefusal:
    def test_is_the_one_of_a_wrong_password_and_the_person_is_told(self, mina, now, events):
        change(refuse=76)
        seen = []
        for password in ("wrong", PASSWORD):
            with pytest.raises(CredentialsInvalid) as refused:
                sign_in_abroad(password=password)
            seen.append((str(refused.value), refused.value.code))

        assert seen[0] == seen[1]
        assert not Session.objects.exists()
        failures = events("authentication.login_failed").order_by("pk")
        assert [event.risk_reasons for event in failures] == [["wrong_password"], ["risk_too_high"]]
        assert failures[1].data["risk"]["choice"] == "refuse"
        assert mailbox.queued() == []  # the answer does not wait for it
        refusal_reports.report(now=now)
        assert mailbox.queued() == ["sign_in_refused"]
        incident = Incident.objects.get()
        assert incident.timeline.get().event_id == failures[1].pk
        assert not incident.responses.exists()

    def test_counts_as_a_failure_so_that_waits_tell_nothing(self, mina):
        change(refuse=76)

        def refusals(password):
            SignInFailures.objects.all().delete()
            found = []
            for _ in range(7):
                with pytest.raises(Exception) as refused:
                    sign_in_abroad(password=password)
                found.append(type(refused.value))
            return found

        assert refusals("wrong") == refusals(PASSWORD)

    def test_spares_known_devices(self, mina):
        change(refuse=76)
        token = known_devices.mint(user=mina, device=None, now=timezone.now())

        assert sign_in_abroad(device_token=token).user == mina

    def test_spares_the_owner_at_home_while_the_account_is_attacked(self, mina, events):
        change(refuse=76)
        attacked(mina.pk, rule="brute_force")
        attacked(mina.pk, rule="credential_stuffing", network="203.0.113.0/24")

        assert sign_in().user == mina
        before = events("authentication.login_succeeded").get()
        assert before.data["risk"]["evidence"]["circumstances"][2:] == [1, 1]
        assert before.risk_score < 20

    def test_is_the_admins_answer_to_a_wrong_password(self, mina, now):
        change(refuse=76)
        give(mina, "users:read")
        with context.bind(context.RequestContext(ip_address=ABROAD, user_agent=CHROME)):
            found = admin_sign_in.verify_password(
                name="mina", password=PASSWORD, client=ClientContext(ABROAD, CHROME), now=now
            )

        assert found is None
        refusal_reports.report(now=now)
        assert mailbox.queued() == ["sign_in_refused"]


def attacked(account, *, rule, network=""):
    cause = Cause(rule=RULES[rule], key=network or str(account), events=[], subject=str(account), network=network)
    incidents.grow(cause, now=timezone.now())


class TestAttacks:
    def test_raise_the_risk_of_strangers(self, mina, events):
        change(RuleMode.OFF)
        sign_in_abroad()
        attacked(mina.pk, rule="brute_force")
        sign_in_abroad()

        quiet, under_attack = events("authentication.login_succeeded").order_by("pk")
        assert under_attack.risk_score > quiet.risk_score
        assert "recent_attack" in under_attack.risk_reasons

    def test_do_not_count_for_ever_nor_if_an_operator_says_that_they_are_none(self, mina, events):
        attacked(mina.pk, rule="brute_force")
        Incident.objects.update(verdict="false_positive")
        attacked(mina.pk, rule="mfa_guessing")
        Incident.objects.filter(rule="mfa_guessing").update(updated_at=timezone.now() - timedelta(hours=4))
        sign_in_abroad()

        assert "recent_attack" not in events("authentication.login_succeeded").get().risk_reasons

    def test_do_not_include_what_the_person_did(self, mina, events):
        attacked(mina.pk, rule="impossible_travel")
        attacked(mina.pk, rule="sign_in_risk")
        sign_in_abroad()

        assert "recent_attack" not in events("authentication.login_succeeded").get().risk_reasons


@pytest.mark.django_db(transaction=True)
class TestFailures:
    @pytest.mark.parametrize("table", ["security_events_detectionfact", "security_events_clientcount"])
    def test_of_a_statement_leave_the_sign_in_alone(self, table, events):
        UserFactory(username="mina", raw_password=PASSWORD)
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        try:
            assert sign_in().user.username == "mina"
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")

        event = events("authentication.login_succeeded").get()
        assert (event.risk_score, event.data["amr"], "risk" in event.data) == (0, ["pwd"], False)

    def test_of_a_database_of_places_leave_the_sign_in_alone(self, events, settings, tmp_path):
        broken = tmp_path / "broken.mmdb"
        broken.write_bytes(b"no database")
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "GEOIP_PATHS": [str(broken)]}
        UserFactory(username="mina", raw_password=PASSWORD)

        assert sign_in().user.username == "mina"
        assert events("authentication.login_succeeded").get().risk_score == 50

    def test_of_a_response_leave_the_sign_in_alone(self, events):
        user = UserFactory(username="mina", raw_password=PASSWORD)
        past_sign_ins(user.pk)
        change(step_up=1, notify=1)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE security_events_incident RENAME COLUMN severity TO severity_elsewhere")
        try:
            assert sign_in().user == user
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE security_events_incident RENAME COLUMN severity_elsewhere TO severity")

        assert events("authentication.login_succeeded").get().data["risk"]["choice"] == "step_up"
        assert not Incident.objects.exists()
