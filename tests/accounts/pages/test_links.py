"""The pages that mailed links open, in a browser without scripts."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from accounts.client_tokens import known_devices, link_tokens
from accounts.models import MailedToken, MailedTokenPurpose, PendingRegistration, User
from accounts.services.mailing import mail_queue, mailed_tokens
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.registrations import PendingRegistrationFactory
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
NEW = "copper lantern seven owls"
Kind = mail_queue.MailKind


@pytest.fixture
def browser():
    return Client(raise_request_exception=False, headers={"accept": "text/html"})


def page_of(user, kind):
    mail_queue.enqueue(user_id=user.pk, kind=kind)
    _base, page, token, language = mailbox.link_in(mailbox.work()[-1])
    return f"/account/{page}/{token}?lang={language}"


def know(browser, owner):
    """Give the browser the cookie of one that has registered or signed in."""
    browser.cookies["cedrina_device"] = known_devices.mint(user=owner, device=None, now=datetime.now(UTC))


def shown(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def registration():
    return PendingRegistrationFactory(username="mina", raw_password=PASSWORD)


def page_of_registration(registration):
    return (
        f"/account/confirm-email/{link_tokens.mint(purpose=MailedTokenPurpose.OPEN_ACCOUNT, mail_id=registration.pk)}"
    )


class TestEveryPage:
    @pytest.mark.parametrize("kind", [Kind.CONFIRM_EMAIL, Kind.RESET_PASSWORD, Kind.PASSWORD_CHANGED])
    def test_does_nothing_by_being_looked_at(self, browser, kind):
        user = UserFactory(email_confirmed_at=None, raw_password=PASSWORD)
        path = page_of(user, kind)
        before = User.objects.values().get()

        for method in (browser.get, browser.head, browser.get):
            assert method(path).status_code == 200

        assert User.objects.values().get() == before
        assert MailedToken.objects.get().used_at is None

    @pytest.mark.parametrize("kind", [Kind.CONFIRM_EMAIL, Kind.RESET_PASSWORD, Kind.PASSWORD_CHANGED])
    def test_keeps_its_address_to_itself(self, browser, kind):
        path = page_of(UserFactory(email_confirmed_at=None), kind)
        token = path.split("/")[-1].split("?")[0]

        answer = browser.get(path)

        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Frame-Options"] == "DENY"
        policy = answer["Content-Security-Policy"]
        for directive in (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ):
            assert directive in policy
        assert not answer.cookies
        assert token not in answer.content.decode()
        assert "<script" not in answer.content.decode()

    @pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("es", "ltr"), ("fa", "rtl"), ("ar", "rtl")])
    def test_is_in_the_language_of_the_link(self, browser, language, direction):
        path = page_of(UserFactory(email_confirmed_at=None, locale=language), Kind.CONFIRM_EMAIL)

        answer = browser.get(path, headers={"accept-language": "es"})

        assert f'<html lang="{language}" dir="{direction}">' in answer.content.decode()
        assert answer["Content-Language"] == language

    def test_is_in_the_language_of_the_browser_otherwise(self, browser):
        for query in ("", "?lang=tlh", "?lang=%00"):
            answer = browser.get(f"/account/forgot-password{query}", headers={"accept-language": "fa"})
            assert '<html lang="fa" dir="rtl">' in answer.content.decode()

    @pytest.mark.parametrize("page", ["confirm-email", "reset-password", "not-me"])
    @pytest.mark.parametrize("token", ["x", "cdm_" + "A" * 44, "é", "%00", "a" * 4000, "..%2f"])
    def test_offers_a_way_on_where_the_link_is_none(self, browser, page, token):
        for method in (browser.get, browser.post):
            answer = method(f"/account/{page}/{token}")
            assert answer.status_code in (400, 404)
            if answer.status_code == 400:
                assert 'name="email"' in answer.content.decode()

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_refuses_forms_of_other_sites(self, browser, site):
        user = UserFactory(email_confirmed_at=None)
        path, chosen = page_of(user, Kind.CONFIRM_EMAIL), {"password": NEW, "password_again": NEW}

        assert browser.post(path, chosen, headers={"sec-fetch-site": site}).status_code == 403
        assert not User.objects.get().is_email_confirmed
        assert browser.post(path, chosen, headers={"sec-fetch-site": "same-origin"}).status_code == 303

    def test_answers_other_methods_with_405(self, browser):
        assert browser.put("/account/forgot-password").status_code == 405


class TestConfirmEmailPage:
    def test_confirms_when_the_button_is_pressed(self, browser):
        user = UserFactory(email_confirmed_at=None, locale="es", raw_password=PASSWORD)
        path = page_of(user, Kind.CONFIRM_EMAIL)
        know(browser, user)

        answer = browser.post(path)

        assert (answer.status_code, answer["Location"]) == (303, "/account/done/email-confirmed?lang=es")
        assert User.objects.get().is_email_confirmed
        assert browser.get(answer["Location"]).status_code == 200
        again = browser.post(path)
        assert again.status_code == 400
        assert "/account/resend-confirmation" in shown(again)

    def test_asks_an_unknown_browser_for_the_password_of_the_account(self, browser, registration):
        path = page_of_registration(registration)

        asked = browser.post(path)

        assert asked.status_code == 422
        assert 'name="password_again"' in shown(asked)
        assert 'role="alert"' not in shown(asked)
        assert not User.objects.exists()
        assert browser.post(path, {"password": NEW, "password_again": NEW}).status_code == 303
        assert User.objects.get().check_password(NEW)

    def test_opens_the_account_of_the_browser_that_registered(self, browser, registration):
        path = page_of_registration(registration)
        know(browser, registration)

        assert browser.get(path).status_code == 200
        assert PendingRegistration.objects.exists()
        assert browser.post(path)["Location"] == "/account/done/email-confirmed?lang=en"
        assert User.objects.get().check_password(PASSWORD)
        assert browser.get(path).status_code == browser.post(path).status_code == 400

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            ({"password": NEW, "password_again": "other"}, "not the same"),
            ({"password": "aaaaaaaaaaaaaaa", "password_again": "aaaaaaaaaaaaaaa"}, "too easy to guess"),
        ],
    )
    def test_says_in_the_form_what_is_wrong_with_a_password(self, browser, registration, form, words):
        answer = browser.post(page_of_registration(registration), form)

        assert answer.status_code == 422
        assert words in shown(answer)
        assert 'role="alert"' in shown(answer)

    def test_shows_that_the_name_was_taken_meanwhile(self, browser, registration):
        path = page_of_registration(registration)
        know(browser, registration)
        UserFactory(username="MINA", email="other@example.com")

        answer = browser.post(path)

        assert answer.status_code == 409
        assert "username is taken" in shown(answer)

    def test_changes_an_address_with_the_password_alone(self, browser):
        user = UserFactory(email="old@example.com", raw_password=PASSWORD)
        token = mailed_tokens.issue(
            mail_id=uuid7(),
            user=user,
            purpose=MailedTokenPurpose.CHANGE_EMAIL,
            address="new@example.com",
            now=timezone.now(),
        )
        path = f"/account/confirm-email/{token}"

        asked = browser.post(path)
        assert asked.status_code == 422
        assert 'autocomplete="current-password"' in shown(asked)
        assert "password_again" not in shown(asked)
        wrong = browser.post(path, {"password": "not the password"})
        assert (wrong.status_code, "The password is wrong." in shown(wrong)) == (422, True)
        answer = browser.post(path, {"password": PASSWORD})
        assert (answer.status_code, answer["Location"]) == (303, "/account/done/email-changed?lang=en")

    def test_is_no_way_to_guess_a_password_more_often(self, browser):
        user = UserFactory(email="old@example.com", raw_password=PASSWORD)
        token = mailed_tokens.issue(
            mail_id=uuid7(),
            user=user,
            purpose=MailedTokenPurpose.CHANGE_EMAIL,
            address="new@example.com",
            now=timezone.now(),
        )

        statuses = [
            browser.post(f"/account/confirm-email/{token}", {"password": f"guess {number}"}).status_code
            for number in range(6)
        ]

        assert statuses == [422] * 5 + [400]

    def test_counts_a_password_with_the_sign_ins(self, browser):
        user = UserFactory(email="old@example.com", raw_password=PASSWORD)
        first = mailed_tokens.issue(
            mail_id=uuid7(),
            user=user,
            purpose=MailedTokenPurpose.CHANGE_EMAIL,
            address="new@example.com",
            now=timezone.now(),
        )
        for number in range(5):
            browser.post(f"/account/confirm-email/{first}", {"password": f"guess {number}"})
        token = mailed_tokens.issue(
            mail_id=uuid7(),
            user=user,
            purpose=MailedTokenPurpose.CHANGE_EMAIL,
            address="new@example.com",
            now=timezone.now(),
        )

        answers = [browser.post(f"/account/confirm-email/{token}", {"password": PASSWORD}) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [429] * 6  # a password that is not checked is not counted


class TestResetPasswordPage:
    def test_sets_the_password(self, browser):
        path = page_of(UserFactory(raw_password=PASSWORD), Kind.RESET_PASSWORD)
        assert 'autocomplete="new-password"' in shown(browser.get(path))

        answer = browser.post(path, {"new_password": NEW, "new_password_again": NEW})

        assert (answer.status_code, answer["Location"]) == (303, "/account/done/password-set?lang=en")
        assert User.objects.get().check_password(NEW)

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            ({"new_password": NEW, "new_password_again": "other"}, "not the same"),
            ({"new_password": "aaaaaaaaaaaaaaa", "new_password_again": "aaaaaaaaaaaaaaa"}, "too easy to guess"),
            ({"new_password": PASSWORD, "new_password_again": PASSWORD}, "used this password before"),
            ({}, "too short"),
            ({"new_password": NEW + "\0", "new_password_again": NEW + "\0"}, "too short"),
        ],
    )
    def test_says_in_the_form_what_is_wrong_and_lets_one_try_again(self, browser, form, words):
        path = page_of(UserFactory(raw_password=PASSWORD), Kind.RESET_PASSWORD)

        answer = browser.post(path, form)

        assert answer.status_code == 422
        assert words in shown(answer)
        assert 'role="alert"' in shown(answer)
        assert 'aria-invalid="true"' in shown(answer)
        assert browser.post(path, {"new_password": NEW, "new_password_again": NEW}).status_code == 303

    def test_asks_to_wait_when_too_many_hashes_do(self, browser, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.pages.full.Full"}
        path = page_of(UserFactory(raw_password=PASSWORD), Kind.RESET_PASSWORD)

        answer = browser.post(path, {"new_password": NEW, "new_password_again": NEW})

        assert answer.status_code == 503
        assert int(answer["Retry-After"]) >= 1


class TestNotMePage:
    def test_locks_the_account_when_the_button_is_pressed(self, browser):
        user = UserFactory(raw_password=PASSWORD)
        path = page_of(user, Kind.NEW_DEVICE)

        answer = browser.post(path)

        assert (answer.status_code, answer["Location"]) == (303, "/account/done/reported?lang=en")
        assert not User.objects.get().has_usable_password()
        assert not Session.objects.filter(ended_at=None).exists()
        assert mailbox.queued() == ["password_switched_off"]


class TestRequestPages:
    @pytest.mark.parametrize(
        ("page", "leads_to"), [("forgot-password", "reset-password"), ("resend-confirmation", "confirm-email")]
    )
    def test_send_a_link(self, browser, page, leads_to):
        UserFactory(email="mina@example.com", email_confirmed_at=None)

        answer = browser.post(f"/account/{page}?lang=fa", {"email": " mina@example.com "})

        assert (answer.status_code, answer["Location"]) == (303, "/account/done/mail-sent?lang=fa")
        (message,) = mailbox.work()
        assert mailbox.link_in(message)[1] == leads_to

    @pytest.mark.parametrize("page", ["forgot-password", "resend-confirmation"])
    def test_show_what_was_typed_and_what_is_wrong_with_it(self, browser, page):
        answer = browser.post(f"/account/{page}", {"email": '"><b>x'})

        assert answer.status_code == 422
        assert "This is not an e-mail address." in shown(answer)
        assert "&quot;&gt;&lt;b&gt;x" in shown(answer)


class TestResultPage:
    @pytest.mark.parametrize(
        "what", ["email-confirmed", "email-changed", "password-set", "reported", "closed", "mail-sent"]
    )
    def test_says_what_was_done(self, browser, what):
        answer = browser.get(f"/account/done/{what}")
        assert answer.status_code == 200
        assert 'role="status"' in shown(answer)

    def test_of_nothing_is_not_found(self, browser):
        assert browser.get("/account/done/nothing").status_code == 404


class TestTooManyForms:
    def test_are_refused_with_the_seconds_to_wait(self, browser, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "MAILED_PAGE_RATE": "2/h"}
        answers = [
            browser.post("/account/forgot-password", {"email": "x"}, REMOTE_ADDR="198.51.100.77") for _ in range(3)
        ]
        assert [answer.status_code for answer in answers] == [422, 422, 429]
        assert answers[-1].headers["Retry-After"] == "60"
        assert "Too many attempts" in shown(answers[-1])
        assert browser.get("/account/forgot-password", REMOTE_ADDR="198.51.100.77").status_code == 200
