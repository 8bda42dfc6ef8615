"""The pages of the documentation in Chromium: colours, keyboard, a phone, and what axe-core finds."""

import shutil
from pathlib import Path

import pytest

from tests.clients.browser import CHROMIUM, chromium_browser
from tests.programs import node_packages, served

PACKAGES = Path(__file__).parent / "generated_clients"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOGIN = "#operations-sign-in-login"
DARK, LIGHT = "rgb(28, 32, 34)", "rgb(255, 255, 255)"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found"),
]


@pytest.fixture(scope="module")
def site():
    with served.database() as url, served.serving(database_url=url) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def visit(site, browser):
    """Return a function that opens a page. Afterwards, the browser must have complained of nothing."""
    contexts, complaints = [], []

    def opened(path, *, scheme="light", width=1280, language="en", waits_for_calls=True):
        size = {"width": width, "height": 900}
        context = browser.new_context(color_scheme=scheme, viewport=size, locale=language)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site.url + path)
        if path == "/api/docs" and waits_for_calls:  # to draw them takes seconds
            page.wait_for_selector(LOGIN)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def ground(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


# All rules run; of what they find, only what is wrong is described and sent: the rest is some megabytes.
RUN = "options => axe.run(options).then(found => found.violations)"
IS_CHANGING = "document.getAnimations().some(animation => animation.playState === 'running')"


def violations(page, rules):
    """Return what axe-core finds on a page, by rule, with the first elements that violate it.

    Waits for transitions to end: during one, a colour is neither that of the light nor that of the dark page.
    """
    # Not by `wait_for_function`: it evaluates text in the page, which the page's policy forbids.
    while page.evaluate(IS_CHANGING):
        page.wait_for_timeout(50)
    found = page.evaluate(RUN, {"runOnly": rules, "resultTypes": ["violations"]})
    return {each["id"]: [node["target"] for node in each["nodes"]][:5] for each in found}


class TestColours:
    @pytest.mark.parametrize("path", ["/api/docs", "/api/docs/guide"])
    def test_follow_the_system_until_the_reader_chooses(self, visit, path):
        page = visit(path, scheme="dark", waits_for_calls=False)
        assert ground(page) == DARK
        page.click("#color-scheme")
        assert ground(page) == LIGHT
        page.reload()
        assert ground(page) == LIGHT
        assert page.get_attribute("#color-scheme", "aria-pressed") == "false"


class TestThePage:
    def test_leads_to_the_guide_and_back(self, visit):
        page = visit("/api/docs", waits_for_calls=False)
        page.click("nav >> text=Guide")
        assert page.text_content("h1") == "Writing a client"
        assert page.locator("#generate-a-client").count() == 1
        page.click("nav >> text=API")
        page.wait_for_selector(LOGIN)

    def test_is_used_by_keyboard_alone(self, visit):
        page = visit("/api/docs")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        page.focus(f"{LOGIN} .opblock-summary-control")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{LOGIN} .responses-wrapper")
        assert page.get_attribute(f"{LOGIN} .opblock-summary-control", "aria-expanded") == "true"

    def test_calls_the_server_that_it_is_from(self, visit):
        # By its address: of so many calls, Swagger UI draws only those that are in sight.
        page = visit("/api/docs#/system/livez", waits_for_calls=False)
        call = "#operations-system-livez"
        page.wait_for_selector(f"{call}.is-open")
        page.click(f"{call} .try-out__btn")
        page.click(f"{call} .execute")
        page.wait_for_selector(f"{call} .live-responses-table")
        assert page.text_content(f"{call} .live-responses-table tbody .response-col_status").startswith("200")

    @pytest.mark.parametrize("path", ["/api/docs", "/api/docs/guide"])
    @pytest.mark.parametrize(("width", "language"), [(390, "fa"), (640, "en")])  # the latter is 1280 at a zoom of 200 %
    def test_fits_a_phone_and_a_zoom(self, visit, path, width, language):
        page = visit(path, width=width, language=language)
        assert page.get_attribute("nav", "dir") == ("rtl" if language == "fa" else "ltr")
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    @pytest.mark.parametrize("path", ["/api/docs", "/api/docs/guide"])
    def test_has_nothing_that_axe_finds(self, visit, path):
        node_packages.install(PACKAGES)
        axe = (PACKAGES / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        page = visit(path)
        if path == "/api/docs":
            page.click(f"{LOGIN} .opblock-summary-control")
            page.wait_for_selector(f"{LOGIN} .responses-wrapper select[aria-label]")
        page.evaluate(axe)
        assert violations(page, WCAG) == {}
        page.click("#color-scheme")
        assert ground(page) == DARK
        assert violations(page, ["color-contrast"]) == {}
