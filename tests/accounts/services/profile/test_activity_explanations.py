"""What people read about their own activity: why they were asked for a proof, told or refused."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from accounts.event_types import LOGIN_FAILED, LOGIN_SUCCEEDED
from accounts.services.administration.person_timeline import TimelineSource, timeline_page
from accounts.services.mailing.finding_texts import FINDING_TEXTS, UNKNOWN_RULE
from accounts.services.profile import activity, activity_explanations, personal_data
from accounts.services.profile.activity_explanations import (
    CHOICE_TEXTS,
    MOST_REASONS,
    REASON_TEXTS,
    RESPONSE_TEXTS,
)
from cedrina_base.uuids import uuid7
from security_events import event_types
from security_events.detection import rules
from security_events.detection.risk_records import REASONS
from security_events.detection.rules import RULES, GroupBy
from security_events.services.detection import incidents, responses
from security_events.services.detection.incidents import Cause
from security_events.services.recording import record
from security_events.types import NO_SUBJECT, ResponseKind, RiskChoice, Subject
from tests.factories.accounts import UserFactory
from tokens.users import subject_of

NOW = timezone.now()
LANGUAGES = ("en", "es", "fa", "ar")
ABOUT_PEOPLE = set(ResponseKind) - {ResponseKind.TIGHTEN_NETWORK}


def risk(choice, mode="enforce"):
    return {
        "choice": choice,
        "mode": mode,
        "thresholds": {"notify": 60, "step_up": 75, "refuse": 101},
        "evidence": {"hour": [12000, 3100]},
        "parts": {"place": 31},
    }


def explained(choice, reasons, mode="enforce"):
    return activity_explanations.explanation_of(LOGIN_SUCCEEDED.id, {"risk": risk(choice, mode)}, reasons)


class TestSentences:
    def test_are_there_for_each_reason_choice_and_response(self):
        assert set(REASONS) <= REASON_TEXTS.keys()
        assert set(RiskChoice) - {RiskChoice.ALLOW} == CHOICE_TEXTS.keys()
        assert RESPONSE_TEXTS.keys() == ABOUT_PEOPLE

    def test_are_there_for_each_rule_that_does_something_to_a_person(self):
        rules.load()
        asked = {
            rule.id
            for rule in RULES.values()
            if ABOUT_PEOPLE & set(rule.responses)
            and not rule.id.startswith("test_")
            and rule.group_by is GroupBy.ACCOUNT
        }
        assert len(asked) >= 5
        assert asked <= FINDING_TEXTS.keys()

    @pytest.mark.parametrize("language", LANGUAGES[1:])
    def test_are_translated(self, language):
        texts = [*REASON_TEXTS.values(), *CHOICE_TEXTS.values(), *RESPONSE_TEXTS.values(), *FINDING_TEXTS.values()]
        with override("en"):
            english = {str(text) for text in texts}
        with override(language):
            assert not english & {str(text) for text in texts}

    def test_name_no_number(self):
        for language in LANGUAGES:
            with override(language):
                texts = [*REASON_TEXTS.values(), *CHOICE_TEXTS.values(), *RESPONSE_TEXTS.values()]
                assert not [text for text in map(str, texts) if re.search(r"\d", text)]


class TestExplanations:
    def test_say_what_followed_and_why(self):
        assert explained("step_up", ["network", "country"]) == [
            "We asked for a further proof after this sign-in, because it differed from your earlier ones.",
            "You don't usually sign in from this country.",
            "You don't usually sign in from this network.",
        ]

    @pytest.mark.parametrize(("choice", "mode"), [("allow", "enforce"), ("step_up", "shadow"), ("refuse", "off")])
    def test_are_not_given_where_nothing_followed(self, choice, mode):
        assert explained(choice, ["country"], mode) == []

    def test_have_one_order_and_a_few_reasons_whatever_weighed_most(self):
        some = ["hour", "browser", "country", "network", "travel"]
        assert explained("notify", some) == explained("notify", some[::-1])
        assert len(explained("notify", list(REASONS))) == 1 + MOST_REASONS

    def test_do_not_tell_an_attacker_that_other_people_s_networks_are_known(self):
        assert explained("step_up", ["reputation"])[1:] == explained("step_up", ["a code of tomorrow"])[1:]

    @pytest.mark.parametrize("data", [{}, {"risk": None}, {"risk": []}, {"risk": {}}, {"risk": {"mode": "enforce"}}])
    def test_are_not_given_for_what_has_no_risk(self, data):
        assert activity_explanations.explanation_of(LOGIN_SUCCEEDED.id, data, ["country", {"factor": 1}]) == []


@pytest.fixture
def mina(db):
    return UserFactory(username="mina")


def found(user, *, network="192.0.2.0/24", rule="impossible_travel", **changes):
    """Open an incident about a person, and start the responses of its rule."""
    rules.load()
    about = {"key": str(user.pk), "subject": str(user.pk), "is_account": True, "network": network, **changes}
    cause = Cause(rule=RULES[rule], events=[(uuid7(), NOW)], evidence={"kilometres": 9123}, **about)
    incident = incidents.grow(cause, now=NOW)
    responses.start(cause, incident_id=incident.id, now=NOW)
    return incident


class TestTheActivity:
    def test_explains_responses_and_hides_the_work_of_operators(self, mina):
        found(mina)
        for event_type in (event_types.INCIDENT_RESOLVED, event_types.FINDING_SHADOWED):
            record(event_type, target=Subject(id=str(mina.pk)), data={"rule": "impossible_travel"}, now=NOW)
        shown = activity.list_entries(user=mina, limit=50).entries

        assert [entry.type for entry in shown] == ["incident.response_started"]
        assert shown[0].explanation == [
            "There were sign-ins to your account from two places too far from each other for one person.",
            "We asked for a further proof that it is you, before anything sensitive can be changed.",
        ]
        for secret in ("9123", "192.0.2", "impossible_travel", "kilometres"):
            assert secret not in repr(shown)

    def test_shows_of_a_risk_nothing_but_the_sentences(self, mina):
        me = subject_of(mina)
        record(
            LOGIN_SUCCEEDED,
            actor=me,
            target=me,
            risk_score=93,
            reasons=["country"],
            data={"amr": ["pwd"], "risk": risk("step_up")},
            now=NOW,
        )
        (entry,) = activity.list_entries(user=mina, limit=50).entries

        assert entry.explanation[1:] == ["You don't usually sign in from this country."]
        assert entry.details == {"amr": ["pwd"]}
        assert not re.search(r"93|75|12000|3100|threshold|parts", repr((entry.details, entry.explanation)))

    def test_explains_nothing_of_another_account_to_the_one_who_acted(self, mina):
        other = UserFactory()
        record(
            LOGIN_FAILED,
            actor=subject_of(mina),
            target=subject_of(other),
            reasons=["country"],
            data={"risk": risk("refuse")},
            now=NOW,
        )
        (entry,) = activity.list_entries(user=mina, limit=50).entries
        assert entry.explanation == []

    def test_has_full_pages_beside_hidden_events(self, mina):
        target = Subject(id=str(mina.pk))
        for _ in range(3):
            for event_type in (event_types.INCIDENT_OPENED, event_types.INCIDENT_ACKNOWLEDGED, LOGIN_SUCCEEDED):
                record(event_type, target=target, now=NOW)
        seen, cursor = [], None
        while True:
            page = activity.list_entries(user=mina, before=cursor, limit=2)
            seen += [entry.id for entry in page.entries]
            cursor = page.next_cursor
            if cursor is None:
                break
            assert len(page.entries) == 2

        assert len(seen) == len(set(seen)) == 3


class TestIncidentsAboutThePerson:
    def test_are_in_the_export_in_words(self, mina):
        incident = found(mina)
        found(UserFactory())
        (shown,) = personal_data.collect(user=mina, now=NOW).incidents.results

        assert shown.id == incident.id
        assert shown.explanation == str(FINDING_TEXTS["impossible_travel"])
        assert [each.kind for each in shown.responses] == [ResponseKind.STEP_UP]
        assert shown.responses[0].ends_at > NOW
        assert "9123" not in repr(shown)

    def test_of_a_rule_of_another_project_are_explained_in_general(self, mina):
        found(mina, rule="grant_to_oneself")
        (shown,) = personal_data.collect(user=mina, now=NOW).incidents.results
        assert shown.explanation == str(UNKNOWN_RULE)

    def test_stand_in_the_timeline_that_operators_see(self, mina):
        found(mina)
        found(UserFactory())
        (entry,) = timeline_page(user=mina, sources={TimelineSource.INCIDENTS}, limit=10).entries

        assert str(entry.title) == "Sign-in from a place that nobody can have reached"
        assert {str(label): str(value) for label, value in entry.details} == {"status": "open"}

    def test_about_nobody_are_nobody_s(self, mina):
        found(mina, key="192.0.2.0", subject="", is_account=False, rule="credential_stuffing")
        assert personal_data.collect(user=mina, now=NOW + timedelta(1)).incidents.results == []
        assert NO_SUBJECT.id == ""
