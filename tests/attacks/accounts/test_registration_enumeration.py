"""Registrations and requests for mail don't reveal whether an address has an account.

Every sequence of up to four calls is made, for an address in each state, and every answer is compared with the one that
a free address gets: words, status, headers, and how many statements went to the database.
"""

import functools
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import OutgoingMail, PendingRegistration, User
from accounts.services.mailing import mail_requests
from ratelimiting.detection import evasion, proxy_misconfiguration
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.registrations import PendingRegistrationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.attack("ASVS 5.0, 6.3.8"), pytest.mark.usefixtures("empty_queue")]
ADDRESS = "victim@example.com"
OWNERS = "the password of the owner 7"
BASE = "/api/v1/auth"
LONGEST = 4
# Signing in is tried in both ways each time: by the name that was registered, and by the address.
CALLS = {
    "register": [("register", {"username": "curious", "email": ADDRESS, "password": PASSWORD})],
    "register again": [("register", {"username": "curious-2", "email": ADDRESS.upper(), "password": PASSWORD})],
    "sign in": [
        ("login", {"username": "curious", "password": PASSWORD}),
        ("login", {"username": ADDRESS, "password": PASSWORD}),
    ],
    "forgot": [("forgot-password", {"email": ADDRESS})],
    "resend": [("resend-confirmation", {"email": ADDRESS})],
    "confirm": [("confirm-email", {"token": "cdm_" + "A" * 44})],
}
STATES = {
    "taken": lambda _now: UserFactory(email=ADDRESS, raw_password=OWNERS),
    "unconfirmed": lambda _now: UserFactory(email=ADDRESS, raw_password=OWNERS, email_confirmed_at=None),
    "disabled": lambda _now: UserFactory(email=ADDRESS, raw_password=OWNERS, is_active=False),
    "deleted": lambda now: UserFactory(email=ADDRESS, raw_password=OWNERS, deleted_at=now),
    "pending": lambda _now: PendingRegistrationFactory(email=ADDRESS, raw_password=OWNERS),
}


@pytest.fixture(autouse=True)
def _strict(settings):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}
    settings.AUTH_PASSWORD_VALIDATORS = []  # they look at the password alone, and take longer than all the rest
    # Counts don't go back with a transaction; they are of the asker and the address, whoever has it.
    settings.RATELIMITING = {**settings.RATELIMITING, "ENABLED": False}


@dataclass(frozen=True)
class Answer:
    """All that an asker sees of an answer and that is not of the moment, and the statements that it took."""

    status: int
    shown: dict
    headers: dict
    cookies: dict
    statements: int

    @property
    def code(self):
        return self.shown.get("code")


def ask(call):
    """Make a call as an unknown client; return the answers, of which there are two to signing in."""
    return [_ask(path, body) for path, body in CALLS[call]]


def _ask(path, body):
    # What the process has noticed would stay, whatever becomes of the transaction.
    evasion.reset()
    proxy_misconfiguration.reset()
    connection.force_debug_cursor = True
    connection.queries_log.clear()
    try:
        answer = APIClient().post(f"{BASE}/{path}", body, format="json")
        statements = len(connection.queries_log)
    finally:
        connection.force_debug_cursor = False
    shown = {name: value for name, value in answer.json().items() if name not in ("correlation_id", "timestamp")}
    headers = {name: value for name, value in answer.headers.items() if name != "X-Correlation-ID"}
    cookies = {name: {**morsel, "expires": "", "length": len(morsel.value)} for name, morsel in answer.cookies.items()}
    return Answer(answer.status_code, shown, headers, cookies, statements)


def sequences(before=(), *, first=None, longest=LONGEST):
    """Yield every sequence of calls with the answers to the last one, each after those before it.

    What asked the database nothing has changed nothing: what comes after it, is the same as without it, and left out.
    """
    for call in [first] if first else CALLS:
        point = transaction.savepoint()
        answer = ask(call)
        yield (*before, call), answer
        if len(before) + 1 < longest and any(each.statements for each in answer):
            yield from sequences((*before, call), longest=longest)
        transaction.savepoint_rollback(point)


@functools.cache
def answers_for_a_free_address(first):
    return dict(sequences(first=first))


@pytest.mark.slow
class TestEverySequenceOfCalls:
    @pytest.mark.parametrize(
        ("state", "longest"),
        [("taken", LONGEST), ("unconfirmed", LONGEST), ("disabled", LONGEST), ("deleted", 3), ("pending", 3)],
    )
    @pytest.mark.parametrize("first", list(CALLS))
    def test_is_answered_as_for_a_free_address(self, state, longest, first, now):
        free = answers_for_a_free_address(first)
        STATES[state](now)

        asked = dict(sequences(first=first, longest=longest))

        assert [(calls, answer, free[calls]) for calls, answer in asked.items() if answer != free[calls]][:3] == []
        after_one = sum(len(CALLS) * (len(CALLS) - 1) ** before for before in range(longest - 1))
        assert len(asked) == 1 + (after_one if first != "confirm" else 0)

    def test_is_answered_in_the_ways_that_the_contract_names(self):
        def statuses(*calls):
            return [(answer.status, answer.code) for answer in answers_for_a_free_address(calls[0])[calls]]

        for calls in (["register"], ["register", "register again"], ["register", "forgot"], ["register", "resend"]):
            assert statuses(*calls) == [(202, None)]
        assert statuses("register", "register") == [(409, "username_taken")]
        assert statuses("register", "sign in") == [(403, "email_not_confirmed"), (401, "invalid_credentials")]
        assert statuses("sign in") == [(401, "invalid_credentials")] * 2
        assert statuses("register", "confirm") == [(400, "invalid_or_expired_token")]


class TestRegistrationsOfOthers:
    @pytest.mark.parametrize("calls", [["register"], ["register", "register again", "sign in", "forgot"]])
    def test_the_owner_signs_in_as_before(self, api, calls, now):
        STATES["taken"](now)
        for call in calls:
            ask(call)

        answer = api.post(f"{BASE}/login", {"username": ADDRESS, "password": OWNERS}, format="json")

        assert answer.status_code == 200
        assert User.objects.count() == 1

    @pytest.mark.parametrize("state", list(STATES))
    def test_is_answered_alike_when_the_mail_has_been_dealt_with(self, state, now):
        def after_mail():
            seen = []
            for call in ("register", "sign in", "register again", "sign in", "resend", "register"):
                seen.append(ask(call))
                mailbox.work()
            return seen

        point = transaction.savepoint()
        free = after_mail()
        transaction.savepoint_rollback(point)
        STATES[state](now)

        for number, (one, other) in enumerate(zip(after_mail(), free, strict=True)):
            assert one == other, number

    def test_the_owner_gets_a_mail_without_a_link_to_the_account(self, now, events):
        STATES["taken"](now)
        ask("register")

        (message,) = mailbox.work()

        assert (message.to, message.subject) == ([ADDRESS], "You already have an account")
        assert "curious" not in message.body
        assert events("account.registration_repeated").count() == 1

    def test_does_not_tell_by_its_end_that_the_address_got_an_account_meanwhile(self, now):
        ask("register")
        before = ask("sign in")
        STATES["taken"](now)

        assert ask("sign in") == before
        assert ask("register again")[0].status == 202

    def test_gives_its_name_back_after_a_day(self, now):
        for state in ("taken", None):
            point = transaction.savepoint()
            if state:
                STATES[state](now)
            ask("register")
            assert ask("register")[0].status == 409
            PendingRegistration.objects.update(expires_at=now)

            assert ask("sign in")[0].code == "invalid_credentials"
            assert ask("register")[0].status == 202
            transaction.savepoint_rollback(point)

    def test_cannot_fill_the_database_with_rows_of_one_address(self, api):
        for number in range(14):
            body = {"username": f"curious-{number}", "email": ADDRESS, "password": PASSWORD}
            assert api.post(f"{BASE}/register", body, format="json").status_code == 202

        kept = PendingRegistration.objects.order_by("created_at").values_list("username", flat=True)
        assert list(kept) == [f"curious-{number}" for number in range(4, 14)]


class TestRequestsForMail:
    @pytest.mark.parametrize("requested", list(mail_requests.RequestedMail))
    def test_of_a_registration_gets_its_link_again(self, requested):
        ask("register")
        mailbox.work()
        OutgoingMail.objects.update(started_at=F("started_at") - timedelta(minutes=2))  # no longer on its way

        mail_requests.submit(requested=requested, email=ADDRESS, now=timezone.now())

        (message,) = mailbox.work()
        assert message.subject == "Confirm your e-mail address"
