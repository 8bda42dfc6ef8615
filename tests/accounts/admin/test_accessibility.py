"""Every page of the admin in Chromium against WCAG 2.2 AA (axe-core): both directions, colour schemes and widths."""

import json
import time

import pytest

from tests.accounts.admin.admin_browser import sign_in
from tests.accounts.admin.axe import AGE_SESSIONS, faults_of
from tests.clients.browser import CHROMIUM

LISTS = [
    "accounts/user",
    "accounts/pendingregistration",
    "cedrina/backgroundjob",
    "ratelimiting/policyversion",
    "ratelimiting/ratelimitpolicy",
    "ratelimiting/shadowperiod",
    "security_events/incident",
    "security_events/ruleversion",
    "security_events/securityevent",
    "tokens/refreshkeyepoch",
    "tokens/session",
    "tokens/signingkey",
    "tokens/tokenfamily",
]
# Each row of the admin has the same page, so one of each kind is enough.
DETAILS = [
    "accounts/user",
    "security_events/incident",
    "security_events/securityevent",
    "tokens/session",
    "tokens/tokenfamily",
    "tokens/signingkey",
]
OPEN_INCIDENT = """
from django.utils import timezone
from tests.factories.incidents import open_incident
reasons = [{"factor": "country", "weight": 31, "evidence": {"seen": 0, "of": 12}}]
account = {"subject": "0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10", "is_account": True, "risk_reasons": reasons}
open_incident(now=timezone.now(), stored=True, events=30, **account)
"""
VIEWS = [("en", "light", 1280), ("fa", "dark", 390)]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found"),
]


@pytest.fixture(scope="module")
def paths(server):
    """Return the paths of all pages, with a person who has a long name and sessions."""
    password = json.loads(
        server.manage("create_admin", "--username", "viewer", "--email", "viewer@example.com", "--json")
    )["password"]
    with server.client(headers={"User-Agent": "<b>" + "Agent" * 60}) as client:
        body = {
            "username": "x" * 50,
            "email": f"{'a' * 60}@{'subdomain.' * 10}example.com",
            "full_name": "Wolfeschlegelsteinhausenbergerdorff " * 4,
            "password": "violet harbour drum kite",
        }
        person = client.post("/auth/register", json=body).json()["user"]["id"]
    server.manage("shell", "--no-imports", "-c", OPEN_INCIDENT)
    lists = [f"/admin/{name}/" for name in LISTS]
    return password, [
        "/admin/",
        "/admin/tokens/",
        *lists,
        "/admin/ratelimiting/ratelimitpolicy/add/",
        f"/admin/accounts/user/{person}/change/",
        f"/admin/accounts/user/{person}/actions/lock/",
        f"/admin/accounts/user/{person}/actions/grant-staff-rights/",
        "/admin/accounts/user/add/",
        "/admin/accounts/user/?q=nobody-has-this-name",
        "/admin/security_events/ruleversion/credential_stuffing/change/",
        "/admin/security_events/securityevent/?since=nonsense&severity=high",
    ]


@pytest.fixture(scope="module")
def signed_in(chromium, server, paths):
    """Return the cookies of an administrator: one sign-in for all views."""
    page = chromium.new_page()
    sign_in(page, server, paths[0], name="viewer")
    yield page.context.storage_state()
    page.context.close()


@pytest.fixture
def shown(chromium, signed_in, view):
    """Return a page of the administrator's browser in one view: a language, a colour scheme and a width."""
    language, scheme, width = view
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        extra_http_headers={"Accept-Language": language},
        storage_state=signed_in,
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "-".join(map(str, view)))
def test_pages_have_no_fault_and_never_scroll_sideways(server, paths, shown, view):
    page = shown
    faults = {}

    def look(path):
        response = page.goto(server.url + path)
        assert response.status == 200, path
        if found := faults_of(page):
            faults[path] = found

    for path in paths[1]:
        look(path)
    for name in DETAILS:
        page.goto(f"{server.url}/admin/{name}/")
        first = page.get_attribute("#result_list tbody th a", "href")
        look(first)
        page.goto(f"{server.url}{first}")
        history = page.query_selector(".historylink")
        if history is not None:
            look(history.get_attribute("href"))

    assert faults == {}


def test_of_the_sign_in_has_no_fault(chromium, server):
    for scheme in ("light", "dark"):
        context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{server.url}/admin/login/")
        assert faults_of(page) == [], scheme
        context.close()


class TestTheKeyboard:
    def test_skips_to_the_content_and_shows_where_it_is(self, chromium, server, paths, signed_in):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, storage_state=signed_in)
        page = context.new_page()
        page.goto(server.url + paths[1][14])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-to-content-link"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (width, style) == ("3px", "solid")
        context.close()

    def test_scrolls_a_wide_table(self, chromium, server, signed_in):
        context = chromium.new_context(viewport={"width": 390, "height": 900}, storage_state=signed_in)
        page = context.new_page()
        page.goto(f"{server.url}/admin/security_events/securityevent/")
        page.focus(".results")
        page.keyboard.press("ArrowRight")
        deadline = time.monotonic() + 120
        while page.evaluate("document.querySelector('.results').scrollLeft") == 0:
            assert time.monotonic() < deadline
            page.evaluate("new Promise(done => requestAnimationFrame(done))")
        context.close()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "-".join(map(str, view)))
def test_of_the_confirmation_has_no_fault_and_goes_on_with_what_was_sent(server, paths, shown, view):
    language, page = view[0], shown
    page.goto(f"{server.url}/admin/access/role/add/")
    page.fill("#id_name", f"role-{language}")
    page.fill("#id_reason", "ticket 7")
    server.manage("shell", "--no-imports", "-c", AGE_SESSIONS)
    page.keyboard.press("Enter")

    page.wait_for_selector("#id_reauthentication-password")
    assert faults_of(page) == []
    page.keyboard.type(paths[0])  # the field has the focus
    page.keyboard.press("Enter")
    page.wait_for_selector(f"text=role-{language}")
    assert page.url.endswith("/admin/access/role/")
