from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import IntegrityError
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.errors import AlreadyExists, MfaCodeInvalid, NotFound
from accounts.models import RecoverySecret, TotpEnrolment, TotpSecret, User
from accounts.services.factors import totp_enrolment
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import open_session
from tokens.errors import SessionRevoked
from tokens.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory(username="mina")


@pytest.fixture
def session_id(user, now):
    return open_session(user=user, now=now).session_id


class TestBegin:
    def test_shows_a_key_that_counts_for_nothing_yet(self, user, now):
        shown = totp_enrolment.begin(user=user, now=now)

        assert len(shown.secret) == 32
        assert shown.secret not in repr(shown)
        assert not Authenticator.objects.exists()
        user.refresh_from_db()
        assert not user.is_mfa_enabled
        assert TotpEnrolment.objects.get().secret == shown.secret

    def test_gives_a_newer_key_in_place_of_one_that_waits(self, user, session_id, now):
        old = totp_enrolment.begin(user=user, now=now).secret
        new = totp_enrolment.begin(user=user, now=now).secret

        with pytest.raises(MfaCodeInvalid):
            totp_enrolment.activate(user=user, session_id=session_id, code=code_of(old, now), now=now)
        assert totp_enrolment.activate(user=user, session_id=session_id, code=code_of(new, now), now=now)

    def test_refuses_a_second_application(self, user, session_id, now):
        add_totp(user, session_id=session_id, now=now)

        with pytest.raises(AlreadyExists):
            totp_enrolment.begin(user=user, now=now)

    def test_refuses_disabled_accounts(self, user, now):
        User.objects.filter(pk=user.pk).update(is_active=False)

        with pytest.raises(NotFound):
            totp_enrolment.begin(user=user, now=now)


class TestActivate:
    def test_counts_from_now_on_and_gives_recovery_codes_once(self, user, session_id, now, events, empty_queue):
        secret = totp_enrolment.begin(user=user, now=now).secret
        version = user.version

        codes = totp_enrolment.activate(user=user, session_id=session_id, code=code_of(secret, now), now=now)

        assert len(set(codes)) == 10
        user.refresh_from_db()
        assert (user.is_mfa_enabled, user.version, user.updated_at) == (True, version + 1, now)
        event = events("mfa.factor_added").get()
        assert (event.data["factor"], event.session_id) == ("totp", session_id)
        job = ProcrastinateJob.objects.get()
        assert (job.args["kind"], job.args["details"]) == ("factor_added", {"factor": "totp"})
        assert not TotpEnrolment.objects.exists()

    def test_makes_the_session_one_with_a_second_factor(self, user, session_id, now):
        add_totp(user, session_id=session_id, now=now)

        session = Session.objects.get()
        assert (session.amr, session.second_factor_at) == (["pwd", "otp", "mfa"], now)

    def test_gives_no_new_recovery_codes_if_there_are_some(self, user, session_id, now):
        _key, added = add_key(user, session_id=session_id, now=now)
        assert len(added.recovery_codes) == 10

        _secret, codes = add_totp(user, session_id=session_id, now=now)

        assert codes is None

    @pytest.mark.parametrize("code", ["", "0", "abcdef", "000000000", "\u0661\u0662\u0663\u0664\u0665\u0666"])
    def test_refuses_a_wrong_code_and_lets_the_person_try_again(self, user, session_id, now, code):
        secret = totp_enrolment.begin(user=user, now=now).secret

        with pytest.raises(MfaCodeInvalid):
            totp_enrolment.activate(user=user, session_id=session_id, code=code, now=now)

        assert totp_enrolment.activate(user=user, session_id=session_id, code=code_of(secret, now), now=now)

    def test_refuses_without_a_key_that_waits(self, user, session_id, now):
        with pytest.raises(NotFound):
            totp_enrolment.activate(user=user, session_id=session_id, code="123456", now=now)

    def test_refuses_a_key_that_waited_too_long(self, user, session_id, now):
        secret = totp_enrolment.begin(user=user, now=now).secret
        later = now + timedelta(minutes=15)

        with pytest.raises(NotFound):
            totp_enrolment.activate(user=user, session_id=session_id, code=code_of(secret, later), now=later)

    def test_refuses_a_second_time(self, user, session_id, now):
        secret, _codes = add_totp(user, session_id=session_id, now=now)

        with pytest.raises(AlreadyExists):
            totp_enrolment.activate(user=user, session_id=session_id, code=code_of(secret, now), now=now)

    def test_changes_nothing_when_the_session_has_ended(self, user, now):
        secret = totp_enrolment.begin(user=user, now=now).secret

        with pytest.raises(SessionRevoked):
            totp_enrolment.activate(user=user, session_id=uuid4(), code=code_of(secret, now), now=now)

        user.refresh_from_db()
        assert not user.is_mfa_enabled


class TestRemove:
    def test_takes_the_recovery_codes_with_the_last_factor(self, user, session_id, now, events, empty_queue):
        add_totp(user, session_id=session_id, now=now)

        totp_enrolment.remove(user=user, session_id=session_id, now=now)

        user.refresh_from_db()
        assert (user.is_mfa_enabled, user.version) == (False, 3)
        assert not Authenticator.objects.exists()
        assert not TotpSecret.objects.exists()
        assert not RecoverySecret.objects.exists()
        assert events("mfa.factor_removed").get().data["factor"] == "totp"
        assert ProcrastinateJob.objects.filter(args__kind="factor_removed").count() == 1

    def test_keeps_them_while_there_is_another(self, user, session_id, now):
        add_totp(user, session_id=session_id, now=now)
        add_key(user, session_id=session_id, now=now)

        totp_enrolment.remove(user=user, session_id=session_id, now=now)

        user.refresh_from_db()
        assert user.is_mfa_enabled
        assert RecoverySecret.objects.exists()

    def test_refuses_if_there_is_none(self, user, session_id, now):
        with pytest.raises(NotFound):
            totp_enrolment.remove(user=user, session_id=session_id, now=now)

    def test_lets_the_person_begin_again(self, user, session_id, now):
        first, _codes = add_totp(user, session_id=session_id, now=now)
        totp_enrolment.remove(user=user, session_id=session_id, now=now)

        second, codes = add_totp(user, session_id=session_id, now=now)

        assert second != first
        assert len(codes) == 10

    def test_leaves_one_application_for_a_person_to_the_database(self, user, session_id, now):
        add_totp(user, session_id=session_id, now=now)

        with pytest.raises(IntegrityError):
            Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
