"""Whoever causes a finding on purpose does not hurt the person or the network that it is about (CWE-645, CWE-799).

For each rule, the attacker gets the worst finding that the rule can have: about the victim's account, from the victim's
own network, again and again. What the rule does then is not what the victim has to suffer from.
"""

from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import OutgoingMail
from cedrina.settings.rate_limits import profile
from cedrina_base.uuids import uuid7
from ratelimiting.services import tightened_networks
from security_events.detection.rules import RULES, load
from security_events.models import Incident, IncidentResponse
from security_events.services.detection import incidents, responses
from security_events.services.detection.incidents import Cause
from security_events.types import NO_SUBJECT, IncidentStatus, ResponseKind
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_totp, code_of
from tests.problem_shape import assert_problem

load()
API = "/api/v1/auth"
NETWORK, OFFICE, ATTACKER, ELSEWHERE = "203.0.113.0/24", "203.0.113.7", "203.0.113.66", "198.51.100.9"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue"), pytest.mark.attack("CWE-645", "CWE-799")]


def having(*kinds):
    """Return the rules that have one of these responses, all of them without any."""
    return [name for name, rule in sorted(RULES.items()) if not kinds or set(kinds) & set(rule.responses)]


class Device:
    """A browser at an address, with its cookies and the tokens of its last sign-in."""

    def __init__(self, address=OFFICE):
        self.address, self.client, self.tokens = address, Client(), None

    def send(self, method, path, body=None, **headers):
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        call = getattr(self.client, method)
        data = {} if method == "get" else {"data": body or {}, "content_type": "application/json"}
        return call(f"{API}/{path}", REMOTE_ADDR=self.address, headers=headers, **data)

    def sign_in(self, name, password=PASSWORD):
        self.tokens = None
        answer = self.send("post", "login", {"username": name, "password": password})
        if answer.status_code == 200 and answer.json()["tokens"]:
            self.tokens = answer.json()["tokens"]
        return answer

    def refresh(self):
        answer = self.send("post", "refresh", {"refresh_token": self.tokens["refresh_token"]})
        self.tokens = answer.json() if answer.status_code == 200 else self.tokens
        return answer

    def export(self):
        """A call that needs a recent authentication."""
        return self.send("get", "me/export")


@pytest.fixture
def ada():
    return UserFactory(username="ada", raw_password=PASSWORD)


@pytest.fixture
def phone(ada):
    """A device on which the victim was signed in an hour before the attack."""
    device = Device()
    assert device.sign_in("ada").status_code == 200
    return device


@pytest.fixture
def shipped_limits(settings):
    with override_settings(RATELIMITING={**settings.RATELIMITING, "POLICIES": profile("production")}):
        yield


def attack(rule, victim, *, minutes=10):
    """Have a rule find the worst, now, with events of some minutes, and let its responses start."""
    now = timezone.now() + timedelta(minutes=minutes)
    cause = Cause(
        rule=RULES[rule],
        key=str(victim.pk),
        events=[(uuid7(), now - timedelta(minutes=ago)) for ago in range(minutes - 6, -1, -1)],
        subject=str(victim.pk),
        is_account=True,
        network=NETWORK,
    )
    grown = incidents.grow(cause, now=now)
    started = responses.start(cause, incident_id=grown.id, now=now)
    tightened_networks.refresh(now=now)
    return started


@pytest.mark.parametrize("rule", having())
class TestTheVictim:
    def test_goes_on_with_the_sessions_from_before_and_on_known_devices(self, rule, ada, phone):
        started = attack(rule, ada)
        assert {row.kind for row in started} == set(RULES[rule].responses)
        assert phone.send("get", "me").status_code == 200
        assert phone.refresh().status_code == 200
        assert phone.export().status_code == 200
        assert phone.sign_in("ada").status_code == 200
        assert phone.export().status_code == 200

    def test_gets_through_on_a_new_device_with_the_own_mailbox(self, rule, ada, phone):
        attack(rule, ada)
        laptop = Device(ELSEWHERE)
        assert laptop.sign_in("ada").status_code == 200
        assert laptop.send("get", "me").status_code == 200
        if ResponseKind.STEP_UP in RULES[rule].responses:
            assert_problem(laptop.export(), status=403, code="step_up_required")
            assert laptop.send("post", "reauthenticate/options").json()["methods"] == ["mailed_code"]
            mailbox.work()
            assert laptop.send("post", "reauthenticate/mailed-code").status_code == 202
            (mail,) = mailbox.work()
            assert laptop.send("post", "reauthenticate", {"mailed_code": mailbox.code_in(mail)}).status_code == 200
        assert laptop.export().status_code == 200

    def test_gets_one_mail_a_day_however_often_it_is_found(self, rule, ada):
        before = OutgoingMail.objects.count()
        for _ in range(4):
            attack(rule, ada)
            attack(rule, ada)
            Incident.objects.update(status=IncidentStatus.RESOLVED, resolved_at=timezone.now())
        assert Incident.objects.count() == 4
        notifies = ResponseKind.NOTIFY in RULES[rule].responses
        assert OutgoingMail.objects.count() - before == (1 if notifies else 0)

    def test_gets_everything_back_when_an_operator_takes_it_back(self, rule, ada):
        laptop = Device(ELSEWHERE)
        laptop.sign_in("ada")
        now = timezone.now()
        for row in attack(rule, ada, minutes=7):
            if row.kind in responses.DURATIONS:
                responses.undo(response_id=row.pk, incident_id=row.incident_id, actor=NO_SUBJECT, now=now)
        tightened_networks.refresh(now=now)
        assert laptop.export().status_code == 200
        assert tightened_networks.find(OFFICE, now=now) is None
        assert Device(ELSEWHERE).sign_in("ada").status_code == 200


@pytest.mark.parametrize("rule", having(ResponseKind.TIGHTEN_NETWORK))
@pytest.mark.usefixtures("shipped_limits")
def test_people_in_the_network_of_the_attacker_go_on(rule, ada, phone):
    """Strangers at the people's own address and at another one use up all that they get there."""
    UserFactory(username="bob", raw_password=PASSWORD)
    bob = Device()
    assert bob.sign_in("bob").status_code == 200
    attack(rule, ada)
    mallory, at_office = Device(ATTACKER), Device()
    assert [mallory.sign_in(f"nobody{number}").status_code for number in range(12)].count(429) == 7
    assert [at_office.sign_in("nobody").status_code for _ in range(7)].count(429) == 2
    assert bob.sign_in("bob").status_code == 200
    assert phone.sign_in("ada").status_code == 200
    assert phone.refresh().status_code == 200
    assert Device("203.0.113.8").sign_in("bob").status_code == 200


@pytest.mark.parametrize("rule", having(ResponseKind.LOCK_FACTOR, ResponseKind.STEP_UP))
class TestAVictimWithASecondFactor:
    def test_signs_in_on_a_known_device_and_elsewhere_with_a_recovery_code(self, rule, ada):
        secret, codes = add_totp(ada)
        phone = Device()
        self.verify(phone, code=code_of(secret))
        attack(rule, ada)
        self.verify(phone, code=code_of(secret, steps=1))
        assert phone.export().status_code == 200
        laptop = Device(ELSEWHERE)
        self.verify(laptop, recovery_code=codes[0])
        assert laptop.export().status_code == 200

    def verify(self, device, **proof):
        token = device.sign_in("ada").json()["mfa"]["token"]
        answer = device.send("post", "mfa/verify", {"mfa_token": token, **proof})
        assert answer.status_code == 200, answer.content
        device.tokens = answer.json()["tokens"]


class TestPeopleWhoAreGone:
    @pytest.mark.parametrize("state", ["deleted", "disabled", "erased"])
    def test_hurt_nobody_and_fail_nothing(self, state, ada):
        rules = {rule: RULES[rule] for rule in having()}
        if state == "erased":
            ada.delete()
            ada.pk = uuid7()
        else:
            ada.deleted_at, ada.is_active = (timezone.now(), True) if state == "deleted" else (None, False)
            ada.save()
        for rule in rules:
            attack(rule, ada)
        assert OutgoingMail.objects.count() == 0
        wanted = sum(len(rule.responses) for rule in rules.values())
        assert IncidentResponse.objects.count() == wanted
