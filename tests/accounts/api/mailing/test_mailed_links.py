"""The calls that request mail, and those that redeem a mailed token."""

import pytest

from accounts.models import User
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
BASE = "/api/v1/auth"
NEW = "copper lantern seven owls"


@pytest.fixture
def post(api):
    def send(path, body, *, user=None):
        headers = {"Authorization": f"Bearer {open_session(user=user).access_token}"} if user else {}
        return api.post(f"{BASE}/{path}", body, format="json", headers=headers)

    return send


@pytest.mark.parametrize("path", ["forgot-password", "resend-confirmation"])
class TestAsking:
    def test_answers_the_same_for_known_and_unknown_addresses(self, post, path, now):
        UserFactory(email="known@example.com")
        UserFactory(email="unconfirmed@example.com", email_confirmed_at=None)
        UserFactory(email="disabled@example.com", is_active=False)
        UserFactory(email="deleted@example.com", deleted_at=now)
        answers = [
            post(path, {"email": f"{name}@example.com"})
            for name in ("known", "unconfirmed", "disabled", "deleted", "unknown")
        ]

        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["message"] for answer in answers}) == 1
        assert len({tuple(sorted(set(answer.headers) - {"X-Correlation-ID"})) for answer in answers}) == 1
        assert all(set(answer.json()) == {"message", "timestamp"} for answer in answers)

    def test_refuses_what_is_no_address(self, post, path):
        problem = assert_problem(post(path, {"email": "nobody"}), status=422, code="validation_error")
        assert [(error["field"], error["code"]) for error in problem["errors"]] == [("email", "email_invalid")]


class TestConfirmEmail:
    def test_confirms(self, post):
        UserFactory(email="new@example.com", email_confirmed_at=None)
        post("resend-confirmation", {"email": "new@example.com"})
        (message,) = mailbox.work()

        answer = post("confirm-email", {"token": mailbox.token_in(message), "password": NEW})

        assert answer.status_code == 200
        assert answer.json()["message"] == "Your e-mail address is confirmed."
        assert User.objects.get().is_email_confirmed
        again = post("confirm-email", {"token": mailbox.token_in(message)})
        assert_problem(again, status=400, code="invalid_or_expired_token")

    def test_says_when_a_password_is_still_to_be_chosen(self, post):
        UserFactory(email="new@example.com", email_confirmed_at=None, raw_password=PASSWORD)
        post("resend-confirmation", {"email": "new@example.com"})
        (message,) = mailbox.work()

        answer = post("confirm-email", {"token": mailbox.token_in(message)})

        assert answer.status_code == 200
        assert set(answer.json()) == {"message", "timestamp"}
        assert "choose a password" in answer.json()["message"]
        assert mailbox.queued() == ["choose_password"]

    def test_refuses_a_weak_password_and_leaves_the_token_good(self, post):
        UserFactory(email="new@example.com", email_confirmed_at=None)
        post("resend-confirmation", {"email": "new@example.com"})
        token = mailbox.token_in(mailbox.work()[0])

        weak = post("confirm-email", {"token": token, "password": "aaaaaaaaaaaaa"})

        problem = assert_problem(weak, status=422, code="validation_error", secrets=[token])
        assert [(error["field"], error["code"]) for error in problem["errors"]] == [("password", "password_too_weak")]
        assert post("confirm-email", {"token": token, "password": NEW}).status_code == 200

    @pytest.mark.parametrize("token", ["x", "cdm_" + "A" * 44, "é" * 48])
    def test_refuses_junk(self, post, token):
        assert_problem(post("confirm-email", {"token": token}), status=400, code="invalid_or_expired_token")


class TestResetPassword:
    def test_sets_the_password(self, post):
        UserFactory(username="mina", email="mina@example.com", raw_password=PASSWORD)
        post("forgot-password", {"email": "mina@example.com"})
        (message,) = mailbox.work()
        token = mailbox.token_in(message)

        weak = post("reset-password", {"token": token, "new_password": "aaaaaaaaaaaaa"})
        problem = assert_problem(weak, status=422, code="validation_error", secrets=[token])
        assert [(error["field"], error["code"]) for error in problem["errors"]] == [
            ("new_password", "password_too_weak")
        ]
        assert post("reset-password", {"token": token, "new_password": NEW}).status_code == 200
        assert post("login", {"username": "mina", "password": NEW}).status_code == 200
        assert_problem(
            post("reset-password", {"token": token, "new_password": NEW}), status=400, code="invalid_or_expired_token"
        )


class TestChangeEmail:
    def test_answers_202_and_writes_to_both(self, post):
        user = UserFactory(email="old@example.com", raw_password=PASSWORD)

        answer = post("me/email", {"email": "new@example.com", "password": PASSWORD}, user=user)

        assert answer.status_code == 202
        assert {message.to[0] for message in mailbox.work()} == {"old@example.com", "new@example.com"}

    def test_answers_alike_for_a_taken_address(self, post):
        UserFactory(email="taken@example.com")
        user = UserFactory(email="old@example.com", raw_password=PASSWORD)
        answers = [
            post("me/email", {"email": email, "password": PASSWORD}, user=user)
            for email in ("taken@example.com", "free@example.com")
        ]

        assert [answer.status_code for answer in answers] == [202, 202]
        assert len({answer.json()["message"] for answer in answers}) == 1

    def test_needs_the_right_password(self, post):
        user = UserFactory(raw_password=PASSWORD)

        answer = post("me/email", {"email": "new@example.com", "password": "not the password"}, user=user)
        assert_problem(answer, status=401, code="invalid_credentials")

    def test_needs_a_session(self, post):
        answer = post("me/email", {"email": "new@example.com", "password": PASSWORD})
        assert_problem(answer, status=401, code="authentication_required")

    def test_requires_the_second_factor_of_users_who_have_one(self, post):
        user = UserFactory(raw_password=PASSWORD, is_mfa_enabled=True)

        answer = post("me/email", {"email": "new@example.com", "password": PASSWORD}, user=user)
        assert_problem(answer, status=403, code="step_up_required")
