"""What operators do to accounts: the effect, the event and the mail of each action."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import is_password_usable

from accounts.conf import account_settings
from accounts.errors import DetailsInvalid, EmailTaken, NotAllowed, OwnAccount, UsernameTaken, VersionMismatch
from accounts.models import SignInFailures, User
from accounts.models.passwords import AttemptCounter, AttemptPool
from accounts.services.administration import attributes, invitations, operator_actions
from accounts.services.administration.attributes import AttributeChange
from accounts.services.administration.invitations import NewPerson
from accounts.services.administration.operator_action import OperatorAction
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.registrations import PendingRegistrationFactory
from tests.factories.tokens import open_session
from tests.mailbox import queued
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
REASON = "asked for by telephone"


@pytest.fixture
def boss():
    return UserFactory(username="boss", admin=True, raw_password=PASSWORD)


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


def run(name, user, by, now, **values):
    is_changed = OPERATOR_ACTIONS[name].run(user=user, by=by, reason=REASON, now=now, **values)
    user.refresh_from_db()
    return is_changed


def lock_out(user, now):
    rule = account_settings.SIGN_IN_BACKOFF["account"]
    SignInFailures.objects.charge(
        [AttemptCounter(user.pk.bytes, AttemptPool.ACCOUNT, rule)], subject=str(user.pk), now=now
    )


# What an account is before, the values of the action, the event and the mail.
CHANGING = {
    "invite": ({"password": "!"}, {}, "account.invited", "invitation"),
    "confirm-email": (
        {"email_confirmed_at": None},
        {},
        "email.confirmed_by_operator",
        "email_confirmed_by_operator",
    ),
    "send-reset": ({}, {}, "password.reset_sent", "reset_by_operator"),
    "require-password-reset": ({}, {}, "password.reset_required", "password_reset_required"),
    "set-tier": ({}, {"tier": "pro"}, "account.attributes_changed", "changed_by_operator"),
    "set-department": ({}, {"department": "Sales"}, "account.attributes_changed", "changed_by_operator"),
    "set-location": ({}, {"location": "Lisbon"}, "account.attributes_changed", "changed_by_operator"),
    "grant-staff-rights": ({}, {"rights": ("users:read",)}, "staff_rights.granted", "staff_rights_granted"),
    "withdraw-staff-rights": ({"roles": ["users:read"]}, {}, "staff_rights.withdrawn", "staff_rights_withdrawn"),
    "grant-role": ({}, {"role": "users:read"}, "staff_rights.granted", "staff_rights_granted"),
    "revoke-role": (
        {"roles": ["users:read"]},
        {"role": "users:read"},
        "staff_rights.withdrawn",
        "staff_rights_withdrawn",
    ),
    "lock": ({}, {}, "account.deactivated", "account_locked"),
    "unlock": ({"is_active": False}, {}, "account.activated", "account_unlocked"),
    "logout": ({}, {}, "session.revoked", "sessions_ended_by_operator"),
    "delete": ({}, {}, "account.deletion_requested", "deleted_by_operator"),
    "restore": ({"deleted_at": "now"}, {}, "account.restored", "account_restored"),
}


# These give an operator nothing.
ON_ONESELF = {
    "unlock",
    "restore",
    "logout",
    "invite",
    "send-reset",
    "require-password-reset",
    "withdraw-second-factor-reset",
}
# Tested in tests/accounts/services/factors/test_factor_reset.py and, of erasure, below.
TESTED_ELSEWHERE = {"anonymise", "reset-second-factor", "withdraw-second-factor-reset"}


def prepare(user, before, now):
    columns = {key: now if value == "now" else value for key, value in before.items() if key != "roles"}
    if columns:
        User.objects.filter(pk=user.pk).update(**columns)
    if "roles" in before:
        give(user, *before["roles"])


class TestEachAction:
    @pytest.mark.parametrize("name", CHANGING)
    def test_is_recorded_with_its_reason_and_mailed(self, mina, boss, events, now, name):
        before, values, event_type, mail = CHANGING[name]
        prepare(mina, before, now)
        if name == "logout":
            open_session(user=mina)

        assert run(name, mina, boss, now, **values) is True

        event = events(event_type).get()
        assert (event.target_id, event.data["note"]) == (str(mina.pk), REASON)
        assert event.actor_id == str(boss.pk)
        assert queued() == [mail]

    def test_names_nobody_at_the_command_line(self, mina, events, now):
        run("lock", mina, None, now)
        assert not events("account.deactivated").get().actor_id

    def test_is_all_of_them_with_erasure(self):
        assert set(OPERATOR_ACTIONS) - TESTED_ELSEWHERE == set(CHANGING)

    # Sending a link again and again is meant: mail_budgets bounds it.
    @pytest.mark.parametrize("name", sorted(set(CHANGING) - {"invite", "send-reset"}))
    def test_changes_and_mails_nothing_the_second_time(self, mina, boss, events, now, name):
        before, values, event_type, _mail = CHANGING[name]
        prepare(mina, before, now)
        run(name, mina, boss, now, **values)
        number = len(queued())

        assert run(name, mina, boss, now, **values) is False
        assert len(queued()) == number
        assert events(event_type).count() <= 1

    @pytest.mark.parametrize("name", sorted(set(OPERATOR_ACTIONS) - ON_ONESELF))
    def test_that_changes_what_one_may_is_never_done_to_oneself(self, boss, now, name):
        with pytest.raises(OwnAccount):
            OPERATOR_ACTIONS[name].run(user=boss, by=boss, reason=REASON, now=now, **CHANGING.get(name, ("", {}))[1])

    @pytest.mark.parametrize(
        ("call", "code"),
        [
            (("set-tier", {}), "required"),
            (("set-tier", {"tier": "gold"}), "invalid"),
            (("set-tier", {"tier": True}), "invalid"),
            (("set-department", {"department": "x" * 101}), "max_length"),
            (("set-department", {"department": "a\nb"}), "invalid"),
            (("grant-staff-rights", {"rights": ()}), "required"),
            (("grant-staff-rights", {"rights": ("users:read", "everything")}), "invalid"),
            (("lock", {"tier": "pro"}), "unknown_field"),
        ],
    )
    def test_refuses_values_that_it_does_not_take(self, mina, now, call, code):
        name, values = call
        with pytest.raises(DetailsInvalid) as refusal:
            run(name, mina, None, now, **values)
        assert [problem.code for problem in refusal.value.problems] == [code]

    def test_has_a_name_of_its_own(self):
        (first, *_others) = OPERATOR_ACTIONS.values()
        with pytest.raises(ValueError, match=first.name):
            operator_actions.register(
                OperatorAction(first.name, first.title, first.description, first.permission, first.service)
            )


class TestCreate:
    def person(self, **details):
        return NewPerson(**{"username": "nora", "email": "Nora@Example.com", **details})

    def test_stores_a_person_without_a_password_and_invites_them(self, boss, events, now):
        user = invitations.create(person=self.person(full_name="Nora", tier="pro"), by=boss, reason=REASON, now=now)

        user = User.objects.get(pk=user.pk)
        assert (user.username, user.email, user.full_name, user.tier) == ("nora", "Nora@Example.com", "Nora", "pro")
        assert not is_password_usable(user.password)
        assert user.email_confirmed_at is None
        assert queued() == ["invitation"]
        assert events("account.created_by_operator").get().data == {"note": REASON}
        assert events("account.invited").get().actor_id == str(boss.pk)

    def test_mails_nothing_if_nobody_is_to_be_invited(self, boss, events, now):
        invitations.create(person=self.person(), is_invited=False, by=boss, reason=REASON, now=now)

        assert queued() == []
        assert not events("account.invited").exists()

    @pytest.mark.parametrize(
        ("details", "error"),
        [({"username": "MINA"}, UsernameTaken), ({"email": "mina@EXAMPLE.com"}, EmailTaken)],
    )
    def test_refuses_what_somebody_has(self, boss, mina, now, details, error):
        with pytest.raises(error):
            invitations.create(person=self.person(**details), by=boss, reason=REASON, now=now)
        assert queued() == []

    def test_refuses_the_username_of_a_pending_registration(self, boss, now):
        PendingRegistrationFactory(username="nora", expires_at=now + timedelta(hours=1))
        with pytest.raises(UsernameTaken):
            invitations.create(person=self.person(), by=boss, reason=REASON, now=now)

    @pytest.mark.parametrize(
        ("details", "found"),
        [
            ({"username": "n", "email": "no"}, {("username", "username_invalid"), ("email", "email_invalid")}),
            ({"full_name": "x" * 151}, {("full_name", "max_length")}),
            ({"department": "a\x00b"}, {("department", "invalid")}),
        ],
    )
    def test_names_every_detail_that_is_not_valid(self, boss, now, details, found):
        with pytest.raises(DetailsInvalid) as refusal:
            invitations.create(person=self.person(**details), by=boss, reason=REASON, now=now)
        assert {(problem.field, problem.code) for problem in refusal.value.problems} == found

    def test_gives_reserved_usernames_by_administrators_only(self, boss, now, staff):
        reserved = self.person(username="support")
        with pytest.raises(DetailsInvalid):
            invitations.create(person=reserved, by=staff("users:create"), reason=REASON, now=now)
        assert invitations.create(person=reserved, by=boss, reason=REASON, now=now).username == "support"

    def test_takes_more_rights_for_more_than_a_name(self, now, staff, events):
        creator = staff("users:create")
        with pytest.raises(NotAllowed):
            invitations.create(person=self.person(tier="enterprise"), by=creator, reason=REASON, now=now)

        assert events("permission.denied").get().actor_id == str(creator.pk)
        assert invitations.create(person=self.person(), by=creator, reason=REASON, now=now).tier == "free"


class TestInvite:
    def test_asks_nobody_who_has_a_password(self, mina, boss, now):
        assert run("invite", mina, boss, now) is False
        assert queued() == []

    @pytest.mark.parametrize("details", [{"is_active": False}, {"deleted_at": "now"}])
    def test_asks_nobody_whose_account_is_closed(self, boss, now, details):
        closed = UserFactory(**{key: now if value == "now" else value for key, value in details.items()})
        assert run("invite", closed, boss, now) is False


class TestRequirePasswordReset:
    def test_ends_all_sessions(self, mina, boss, events, now):
        open_session(user=mina, now=now)

        run("require-password-reset", mina, boss, now)

        assert Session.objects.get().end_reason == "password_reset_required"
        assert events("password.reset_required").get().data["ended_sessions"] == 1

    def test_leaves_people_without_a_password(self, boss, now):
        assert run("require-password-reset", UserFactory(), boss, now) is False


class TestUnlock:
    def test_forgets_failed_sign_ins_too(self, mina, boss, events, now):
        lock_out(mina, now)

        assert run("unlock", mina, boss, now) is True

        assert not SignInFailures.objects.filter(subject=str(mina.pk), count__gt=0).exists()
        assert not events("account.activated").exists()
        assert queued() == ["account_unlocked"]


class TestUpdate:
    def test_records_what_was_and_what_is_without_personal_details(self, mina, boss, events, now):
        change = AttributeChange(tier="pro", department="Sales", full_name="Mina Karimi", locale="fa")
        assert attributes.update(user=mina, change=change, by=boss, reason=REASON, now=now)

        mina.refresh_from_db()
        assert (mina.tier, mina.department, mina.full_name, mina.locale) == ("pro", "Sales", "Mina Karimi", "fa")
        assert mina.version == 2
        assert events("account.attributes_changed").get().data == {
            "note": REASON,
            "changed": ["department", "full_name", "locale", "tier"],
            "from": {"tier": "free", "department": ""},
            "to": {"tier": "pro", "department": "Sales"},
        }

    def test_refuses_another_version_than_was_read(self, mina, boss, now):
        with pytest.raises(VersionMismatch):
            attributes.update(
                user=mina,
                change=AttributeChange(tier="pro"),
                versions=frozenset({2}),
                by=boss,
                reason=REASON,
                now=now,
            )
        mina.refresh_from_db()
        assert mina.tier == "free"


class TestErase:
    def test_leaves_nothing_but_events(self, mina, boss, events, now):
        open_session(user=mina, now=now)

        assert OPERATOR_ACTIONS["anonymise"].run(user=mina, by=boss, reason=REASON, now=now)

        assert not User.objects.filter(pk=mina.pk).exists()
        assert not Session.objects.filter(user_id=mina.pk).exists()
        assert events("account.erased_by_operator").get().data == {"note": REASON, "ended_sessions": 1}
        assert events("account.erased").get().target_id == str(mina.pk)
        assert not OPERATOR_ACTIONS["anonymise"].run(user=mina, by=boss, reason=REASON, now=now)
