"""Junk sent to the pages behind mailed links."""

from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from django.utils import timezone

from accounts.client_tokens import link_tokens
from accounts.models import MailedTokenPurpose
from accounts.services.mailing import mailed_tokens
from cedrina_base.uuids import uuid7
from tests.bad_input.naughty import STRINGS
from tests.bad_input.test_pages import FORM, assert_page_holds
from tests.factories.accounts import UserFactory

FORMS = ("/account/forgot-password", "/account/resend-confirmation")
LINKS = ("/account/confirm-email/", "/account/reset-password/", "/account/not-me/")


@pytest.fixture
def browser(db, settings):
    settings.RATELIMIT_ENABLE = False  # more forms than a person sends
    return Client(raise_request_exception=False, HTTP_ACCEPT="text/html")


class TestMailedPages:
    def test_survive_every_string_in_their_address_and_query(self, browser):
        for text in STRINGS.values():
            for page in LINKS:
                answer = browser.get(f"{page}{quote(text[:3000], errors='surrogatepass')}")
                assert_page_holds(answer)
                assert answer.status_code in (400, 404)
            assert_page_holds(
                browser.get(f"/account/forgot-password?lang={quote(text[:3000], errors='surrogatepass')}")
            )

    @pytest.mark.parametrize("page", FORMS)
    def test_survive_every_string_for_an_address(self, browser, page):
        for text in STRINGS.values():
            form = urlencode({"email": text}, errors="surrogatepass")
            answer = browser.post(page, form, content_type=FORM)
            assert answer.status_code in (303, 400, 413, 422)
            assert "<script>" not in answer.content.decode()  # what was typed is shown again, as text

    def test_survive_every_string_for_a_password(self, browser):
        user = UserFactory()
        token = mailed_tokens.issue(
            mail_id=uuid7(),
            user=user,
            purpose=MailedTokenPurpose.RESET_PASSWORD,
            address=user.email,
            now=timezone.now(),
        )
        for text in STRINGS.values():
            form = urlencode({"new_password": text, "new_password_again": text}, errors="surrogatepass")
            answer = browser.post(f"/account/reset-password/{token}", form, content_type=FORM)
            assert_page_holds(answer, secrets=[token])
            assert answer.status_code in (303, 400, 413, 422)

    @pytest.mark.parametrize("raw", [b"", b"&&&", b"=", b"%00=%00", b"email=%ff%fe", b"a" * 70_000, b"a=b&" * 5000])
    def test_survive_forms_of_junk(self, browser, raw):
        token = link_tokens.mint(purpose=MailedTokenPurpose.RESET_PASSWORD, mail_id=uuid7())
        for content_type in (FORM, "multipart/form-data; boundary=x", "multipart/form-data", "application/json", ""):
            for page in (*FORMS, f"/account/reset-password/{token}"):
                assert_page_holds(browser.post(page, raw, content_type=content_type), secrets=[token])

    @pytest.mark.parametrize("path", ["/account", "/account/", "/account//", "/account/x", "/account/forgot-password/"])
    def test_that_are_none_are_not_found(self, browser, path):
        assert browser.get(path).status_code == 404
