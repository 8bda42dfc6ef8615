"""The pages for people by WCAG 2.2 AA: judged by axe-core, by keyboard, and with large text."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.clients.browser import CHROMIUM
from tests.factories.factors import code_of
from tests.journeys.person import NEW_PASSWORD, Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found"),
]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Words as they are shown, in each theme and direction.
APPEARANCES = [("light", "en"), ("dark", "en"), ("light", "fa"), ("dark", "ar")]
FIXED = ["/account/forgot-password", "/account/resend-confirmation", "/account/done/password-set", "/account/nothing"]
DEVELOPMENT = ["/dev/mail", "/dev/mail/preview/new_device/en"]


@pytest.fixture(scope="module")
def links(site):
    """The paths of three mailed links: to confirm an address, to choose a password and to report a takeover."""
    person = Person(site.server, name="mina")
    person.register(full_name="Mina Karimi")
    confirm = site.wait_for_link("confirm-email")
    body = {"old_password": person.password, "new_password": NEW_PASSWORD}
    assert person.send("PUT", "/auth/change-password", body).status_code == 200
    report = site.wait_for_link("not-me")
    # After the change: it makes earlier links to a new password invalid.
    person.send("POST", "/auth/forgot-password", {"email": person.address}, token="")
    reset = site.wait_for_link("reset-password")
    person.close()
    return {"confirm": confirm, "reset": reset, "report": report}


def tab(chromium, *, theme="light", language="en", width=1280):
    return chromium.new_page(
        color_scheme=theme, locale=language, viewport={"width": width, "height": 800}, reduced_motion="reduce"
    )


def faults(page):
    found = Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response["violations"]
    return [(fault["id"], fault["nodes"][0]["html"], fault["nodes"][0]["failureSummary"]) for fault in found]


@pytest.mark.parametrize(("theme", "language"), APPEARANCES)
class TestAxe:
    def test_finds_nothing_on_pages_that_anybody_can_open(self, site, chromium, theme, language):
        page = tab(chromium, theme=theme, language=language)
        for path in FIXED + DEVELOPMENT:
            page.goto(f"{site.url}{path}")
            assert (path, faults(page)) == (path, [])
            is_right_to_left = language != "en" and not path.startswith("/dev/")
            assert page.evaluate("document.documentElement.dir") == ("rtl" if is_right_to_left else "ltr")
        page.close()

    def test_finds_nothing_on_pages_of_mailed_links(self, site, chromium, links, theme, language):
        page = tab(chromium, theme=theme, language=language)
        for path in links.values():
            page.goto(f"{site.url}{path}")
            assert (path, faults(page)) == (path, [])
        page.goto(f"{site.url}/account/reset-password/cdm_nothing")
        assert faults(page) == []
        page.close()

    def test_finds_nothing_where_something_was_refused(self, site, chromium, theme, language):
        page = tab(chromium, theme=theme, language=language)
        page.goto(f"{site.url}/account/forgot-password")
        page.fill("#email", "a@b")
        page.click("button")
        assert faults(page) == []
        assert page.evaluate("document.activeElement.id") == "errors"
        page.close()


class TestSecondFactorOfTheAdmin:
    def test_is_found_faultless(self, site, chromium):
        answer = site.server.manage("create_admin", "--username", "captain", "--email", "c@example.com", "--json")
        person = Person(site.server, name="captain")
        person.password = answer.split('"password": "')[1].split('"')[0]
        assert person.sign_in().status_code == 200
        secret = person.send("POST", "/auth/mfa/totp").json()["secret"]
        person.send("POST", "/auth/mfa/totp/activate", {"code": code_of(secret)})
        for theme, language in (("light", "en"), ("dark", "fa")):
            page = tab(chromium, theme=theme, language=language)
            page.goto(f"{site.url}/admin/")
            page.fill("#id_username", person.name)
            page.fill("#id_password", person.password)
            page.click("#login-form [type=submit]")
            page.wait_for_selector("#id_code")
            assert faults(page) == []
            assert page.get_attribute("#id_code", "autocomplete") == "one-time-code"
            page.context.close()
        person.close()


class TestKeyboard:
    def test_reaches_everything_in_order_and_shows_where_it_is(self, site, chromium, links):
        page = tab(chromium)
        page.goto(f"{site.url}{links['reset']}")

        reached = []
        page.focus("a.brand")
        for _ in range(8):
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            page.keyboard.press("Tab")

        assert reached == [
            "",
            "new_password",
            "new_password_again",
            "Set the password",
            "help@shop.example.com",
            "English",
            "español",
            "فارسی",
        ]
        page.close()

    def test_sends_a_form(self, site, chromium):
        page = tab(chromium)
        page.goto(f"{site.url}/account/forgot-password")
        page.focus("#email")
        page.keyboard.type("nobody@example.com")
        page.keyboard.press("Enter")
        page.wait_for_url("**/account/done/mail-sent**")
        page.close()


class TestLargeText:
    @pytest.mark.parametrize("width", [640, 320])  # 1280 pixels at 200 % and at 400 % (WCAG 2.2, 1.4.4 and 1.4.10)
    @pytest.mark.parametrize("language", ["en", "ar"])
    def test_needs_no_scrolling_sideways(self, site, chromium, links, width, language):
        page = tab(chromium, width=width, language=language)
        for path in [*FIXED, *DEVELOPMENT, *links.values()]:
            page.goto(f"{site.url}{path}")
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, width)
        page.close()


class TestPasswordManager:
    def test_learns_whose_password_it_is(self, site, chromium, links):
        page = tab(chromium)
        page.goto(f"{site.url}{links['reset']}")

        field = page.locator("input[autocomplete=username]")
        assert field.input_value() == "mina"
        assert field.evaluate("field => field.form === document.querySelector('#new_password').form")
        assert page.locator("input[autocomplete=new-password]").count() == 2
        # What a screen reader hears has no field that can't be used.
        assert "mina" not in page.locator("main").aria_snapshot()
        page.close()


class TestMail:
    def test_in_the_inbox_leads_to_its_page_and_runs_nothing(self, site, chromium, links):
        page = tab(chromium)
        page.goto(f"{site.url}/dev/mail")
        page.click("main a >> nth=0")
        frame = page.frame_locator("iframe")
        link = frame.locator("a[href*='/account/']").first
        assert frame.locator("img").evaluate("image => image.naturalWidth") == 200
        # It opens a page of its own. Nothing listens at the public URL here, so nothing is shown there.
        with page.context.expect_page() as opened:
            link.click(modifiers=["Control"])
        assert opened.value != page
        assert "/account/" in link.get_attribute("href")
        assert page.evaluate("document.querySelector('iframe').contentDocument") is None
        page.context.close()
