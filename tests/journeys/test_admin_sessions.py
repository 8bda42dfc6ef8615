"""The admin over HTTP, on two processes: what ends a session on the one is seen on the other at once."""

import re

import httpx
import pytest

from tests.journeys.person import NEW_PASSWORD, PASSWORD
from tests.programs import served

pytestmark = pytest.mark.attack("OWASP ASVS 5.0, 7.4.1, 7.4.3")
FORM_TOKEN = r'name="csrfmiddlewaretoken" value="([^"]+)"'
PUBLIC = served.INSTALLATION["PUBLIC_URL"]


class Browser:
    """A browser at the admin: it keeps cookies and sends the forms' own tokens."""

    def __init__(self, server):
        self.client = httpx.Client(timeout=120, headers={"User-Agent": "Browser/1.0"})
        self.move_to(server)

    def move_to(self, server):
        self.base = server.url

    def send(self, path, form):
        page = self.client.get(self.base + path)
        token = re.search(FORM_TOKEN, page.text).group(1)
        return self.client.post(
            self.base + path, data={"csrfmiddlewaretoken": token, **form}, headers={"Origin": PUBLIC}
        )

    def sign_in(self, name):
        answer = self.send("/admin/login/?next=/admin/", {"username": name, "password": PASSWORD, "next": "/admin/"})
        assert answer.status_code == 302, answer.text

    def is_in(self):
        answer = self.client.get(f"{self.base}/admin/")
        assert answer.status_code in (200, 302)
        return answer.status_code == 200


@pytest.fixture
def boss(server, newcomer):
    """An administrator who is signed in by tokens."""
    person = newcomer(server)
    person.register()
    served.make_administrator(server.environment["DATABASE_URL"], person.name)
    return person


@pytest.fixture
def browser(server, boss):
    opened = Browser(server)
    opened.sign_in(boss.name)
    yield opened
    opened.client.close()


def admin_session(boss):
    (row,) = (row for row in boss.send("GET", "/auth/sessions").json()["results"] if "admin" in row["device"].lower())
    return row


ENDINGS = {
    "logout with all": lambda _server, boss: boss.send("POST", "/auth/logout", {"all": True}),
    "by id": lambda _server, boss: boss.send("DELETE", f"/auth/sessions/{admin_session(boss)['id']}"),
    "all others": lambda _server, boss: boss.send("DELETE", "/auth/sessions"),
    "password change": lambda _server, boss: boss.send(
        "PUT", "/auth/change-password", {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    ),
    "revoke_sessions": lambda server, boss: server.manage("revoke_sessions", "--user", boss.name, "--yes"),
}


class TestASessionOfTheAdmin:
    @pytest.mark.parametrize("way", ENDINGS)
    def test_ends_on_every_server_at_once(self, server, other_server, boss, browser, way):
        for place in (other_server, server):
            browser.move_to(place)
            assert browser.is_in()

        answer = ENDINGS[way](server, boss)

        assert getattr(answer, "status_code", 200) in (200, 204)
        for place in (other_server, server):
            browser.move_to(place)
            assert not browser.is_in()

    def test_ends_for_a_copy_of_the_cookie_when_its_owner_signs_out(self, server, other_server, boss, browser):
        copy = Browser(server)
        copy.client.cookies = httpx.Cookies(dict(browser.client.cookies))
        assert copy.is_in()

        browser.move_to(other_server)
        token = re.search(FORM_TOKEN, browser.client.get(f"{browser.base}/admin/").text).group(1)
        browser.client.post(
            f"{browser.base}/admin/logout/", data={"csrfmiddlewaretoken": token}, headers={"Origin": PUBLIC}
        )

        assert not copy.is_in()
        assert boss.is_signed_in
        copy.client.close()

    def test_is_listed_and_counted_like_others(self, boss, browser):
        row = admin_session(boss)

        assert (row["user_agent"], row["ip_address"], row["current"]) == ("Browser/1.0", "127.0.0.1", False)
