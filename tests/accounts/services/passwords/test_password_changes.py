from itertools import pairwise

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.end_reasons import PASSWORD_CHANGE
from accounts.errors import CredentialsInvalid, DetailsInvalid
from accounts.models import PasswordHistory, User
from accounts.services.passwords import password_changes
from accounts.services.sign_in import password_sign_in
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, PasswordHistoryFactory, UserFactory
from tokens.end_reasons import LOGOUT_ALL
from tokens.errors import SessionRevoked
from tokens.models import Session, TokenFamily
from tokens.services import revocation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
NEW = "copper lantern seven owls"


@pytest.fixture
def signed_in(phone, db):
    UserFactory(username="mina", raw_password=PASSWORD)
    return password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())


def change(signed_in, old=PASSWORD, new=NEW):
    user = User.objects.defer("password").get(pk=signed_in.user.pk)
    return password_changes.change(
        user=user, session_id=signed_in.tokens.session_id, old_password=old, new_password=new, now=timezone.now()
    )


class TestProblems:
    @pytest.mark.parametrize(
        ("password", "codes"),
        [
            ("Bd7gk!2Mp4xz", []),
            ("correct horse battery staple", []),
            ("گذرواژه‌ی خیلی دراز", []),
            ("v" * 3 + "iolet harbour " * 9, ["password_too_long"]),
            ("kJ3#vx9", ["password_too_short"]),
            ("passwordpassword", ["password_too_weak"]),
            ("aaaaaaaaaaaaaaaa", ["password_too_weak"]),
            ("minakarimi2026", ["password_too_similar"]),
            ("mina.karimi@example.com", ["password_too_similar"]),
            ("1234567890", ["password_too_short", "password_too_common"]),
            ("", ["password_too_short"]),
        ],
    )
    def test_answers_in_the_codes_of_the_contract(self, password, codes):
        user = User(username="minakarimi", email="mina.karimi@example.com")

        assert [problem.code for problem in password_changes.password_problems(password=password, user=user)] == codes

    def test_follows_the_setting_of_the_length(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_MIN_LENGTH": 20}

        found = password_changes.password_problems(password="Bd7gk!2Mp4xz", user=User(username="mina"))

        assert [problem.code for problem in found] == ["password_too_short"]
        assert "20" in found[0].message


class TestChange:
    def test_replaces_the_password_and_ends_the_other_sessions(self, signed_in, phone, events):
        other = password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())

        pair = change(signed_in)

        user = User.objects.get()
        assert user.check_password(NEW)
        assert user.version == 2
        assert pair.session_id == signed_in.tokens.session_id
        assert Session.objects.get(ended_at=None).id == pair.session_id
        assert Session.objects.get(pk=other.tokens.session_id).end_reason == PASSWORD_CHANGE.code
        event = events("password.changed").get()
        assert (event.session_id, event.data) == (pair.session_id, {"ended_sessions": 1})

    def test_gives_this_session_a_new_family(self, signed_in):
        before = TokenFamily.objects.get()

        change(signed_in)

        before.refresh_from_db()
        assert before.is_revoked
        assert TokenFamily.objects.get(is_revoked=False).session_id == signed_in.tokens.session_id

    def test_writes_to_the_person_in_the_same_transaction(self, signed_in):
        change(signed_in)

        job = ProcrastinateJob.objects.get()
        assert (job.args["kind"], job.args["user_id"]) == ("password_changed", str(signed_in.user.pk))

    def test_refuses_and_records_a_wrong_old_password(self, signed_in, events):
        with pytest.raises(CredentialsInvalid):
            change(signed_in, old="wrong")

        assert User.objects.get().check_password(PASSWORD)
        assert events("password.change_failed").get().risk_reasons == ["wrong_password"]

    @pytest.mark.parametrize(
        ("new", "code"),
        [
            (PASSWORD, "password_unchanged"),
            ("short", "password_too_short"),
            ("one from before, long", "password_reused"),
        ],
    )
    def test_refuses_what_is_not_acceptable(self, signed_in, new, code):
        PasswordHistoryFactory(user=signed_in.user, raw_password="one from before, long")

        with pytest.raises(DetailsInvalid) as error:
            change(signed_in, new=new)

        assert [(problem.field, problem.code) for problem in error.value.problems] == [("new_password", code)]
        assert User.objects.get().check_password(PASSWORD)

    def test_remembers_as_many_as_the_setting_says_the_current_one_included(self, signed_in, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_HISTORY": 3}
        chosen = [PASSWORD, "second green umbrella", "third yellow envelope", "fourth silver harbour"]
        for old, new in pairwise(chosen):
            change(signed_in, old=old, new=new)

        assert PasswordHistory.objects.count() == 2
        with pytest.raises(DetailsInvalid):
            change(signed_in, old=chosen[3], new=chosen[1])
        assert change(signed_in, old=chosen[3], new=chosen[0])

    @pytest.mark.parametrize("history", [0, 1])
    def test_keeps_no_history_if_the_setting_is_small(self, signed_in, settings, history):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_HISTORY": history}

        change(signed_in)

        assert not PasswordHistory.objects.exists()

    def test_loses_against_another_change_meanwhile(self, signed_in, settings, events):
        Interference.change = lambda: User.objects.update(password=make_password("third"))
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(CredentialsInvalid):
            change(signed_in)

        assert events("password.change_failed").get().risk_reasons == ["changed_meanwhile"]
        assert Session.objects.filter(ended_at=None).exists()

    def test_changes_nothing_when_the_session_ended_meanwhile(self, signed_in, events):
        revocation.end_sessions(user_id=signed_in.user.pk, reason=LOGOUT_ALL, now=timezone.now())

        with pytest.raises(SessionRevoked):
            change(signed_in)

        assert User.objects.get().check_password(PASSWORD)
        assert not events("password.changed").exists()
        assert not ProcrastinateJob.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_opens_no_transaction_around_its_hashes(self, signed_in, hashing_recorder):
        PasswordHistoryFactory(user=signed_in.user, raw_password="one from before, long")

        change(signed_in)

        assert hashing_recorder.open_transactions == [False] * 3
