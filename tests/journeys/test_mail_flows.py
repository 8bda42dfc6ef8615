"""What people do with the mail they get: read by SMTP, followed to its page, and acted upon there."""

import re
import secrets
import time

import httpx
import pytest

from tests.journeys.person import NEW_PASSWORD, Person
from tests.mailbox import LINK
from tests.peers.mail_server import MailServer, worker
from tests.problem_shape import assert_problem
from tests.programs import served

PUBLIC_URL = "https://id.example.org"


@pytest.fixture(scope="module")
def post_office():
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(post_office):
    settings = {"EMAIL_CONFIRMATION": "required", "PUBLIC_URL": PUBLIC_URL, "ALLOWED_HOSTS": "127.0.0.1"}
    settings["EMAIL_URL"] = post_office.url
    with served.database() as url, served.serving(database_url=url, **settings) as running, worker(running):
        yield running


class Reader:
    """Somebody's mailbox and browser."""

    def __init__(self, site, post_office):
        self.site, self.post_office, self.seen = site, post_office, set()

    def read(self, address, subject, *, seconds=60):
        """Wait for a mail that was not read yet; return what its link leads to at this server."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in list(self.post_office.accepted):
                is_it = message["To"] == address and message["Subject"] == subject
                if is_it and message["Message-ID"] not in self.seen:
                    self.seen.add(message["Message-ID"])
                    return self.links(message)
            time.sleep(0.05)
        raise AssertionError([(message["To"], message["Subject"]) for message in self.post_office.accepted])

    def links(self, message):
        for kind in ("plain", "html"):
            text = message.get_body((kind,)).get_content()
            found = set(LINK.findall(text))
            assert {base for base, *_rest in found} == {PUBLIC_URL}
            assert text.count("://") == text.count(PUBLIC_URL)
        (_base, page, token, language) = found.pop()
        return f"{self.site.url}/account/{page}/{token}?lang={language}"

    def press(self, path, **form):
        """Look at a page and send its form, as a browser does."""
        shown = httpx.get(path, timeout=60)
        assert shown.status_code == 200, shown.text
        assert re.search(r'<form method="post"', shown.text)
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        return httpx.post(path, data=form, headers=headers, timeout=60)


@pytest.fixture
def reader(site, post_office):
    return Reader(site, post_office)


@pytest.fixture
def person(site, reader):
    """Somebody who registered and confirmed their address by the page."""
    somebody = Person(site, name=f"walker-{secrets.token_hex(4)}")
    assert somebody.register().status_code == 202
    link = reader.read(somebody.address, "Confirm your e-mail address")
    assert_problem(somebody.sign_in(), status=403, code="email_not_confirmed")
    httpx.get(link, timeout=60)
    assert_problem(somebody.sign_in(), status=403, code="email_not_confirmed")
    password = {"password": somebody.password, "password_again": somebody.password}
    assert reader.press(link, **password).status_code == 303
    assert somebody.sign_in().status_code == 200
    yield somebody
    somebody.close()


class TestMailFlows:
    def test_a_forgotten_password_is_set_anew_and_ends_every_session(self, reader, person):
        assert person.send("POST", "/auth/forgot-password", {"email": person.address}, token="").status_code == 202
        link = reader.read(person.address, "Choose a new password")

        answer = reader.press(link, new_password=NEW_PASSWORD, new_password_again=NEW_PASSWORD)

        assert answer.status_code == 303
        assert httpx.get(reader.site.url + answer.headers["Location"], timeout=60).status_code == 200
        assert_problem(person.me(), status=401, code="session_revoked")
        assert_problem(person.sign_in(), status=401, code="invalid_credentials")
        assert person.sign_in(password=NEW_PASSWORD).status_code == 200
        assert httpx.get(link, timeout=60).status_code == 400
        reader.read(person.address, "Your password was changed")

    def test_an_address_changes_when_the_new_one_confirms(self, reader, person):
        new = f"new-{person.address}"
        assert_problem(
            person.send("POST", "/auth/me/email", {"email": new, "password": "not the password"}),
            status=401,
            code="invalid_credentials",
        )
        assert person.send("POST", "/auth/me/email", {"email": new, "password": person.password}).status_code == 202
        reader.read(person.address, "Your e-mail address is about to change")
        link = reader.read(new, "Confirm your new e-mail address")
        assert person.me().json()["email"] == person.address

        token = LINK.search(link)[3]
        # Over plain HTTP the client doesn't send the cookie by which it would be known.
        body = {"token": token, "password": person.password}
        confirmed = person.send("POST", "/auth/confirm-email", body, token="")

        assert confirmed.status_code == 200
        assert person.me().json()["email"] == new
        assert person.me().json()["email_confirmed"] is True

    def test_who_did_not_change_password_and_address_gets_the_account_back(self, site, reader, person):
        intruder = person.device(site, user_agent="Intruder/1.0")
        reader.read(person.address, "New sign-in to your account")
        changed = intruder.send(
            "PUT", "/auth/change-password", {"old_password": person.password, "new_password": NEW_PASSWORD}
        )
        intruder.tokens = changed.json()["tokens"]
        notice = reader.read(person.address, "Your password was changed")
        theirs = f"intruder-{person.address}"
        intruder.send("POST", "/auth/me/email", {"email": theirs, "password": NEW_PASSWORD})
        link = reader.read(theirs, "Confirm your new e-mail address")
        assert reader.press(link, password=NEW_PASSWORD).status_code == 303
        assert intruder.me().json()["email"] == theirs

        assert reader.press(notice).headers["Location"] == "/account/done/reported?lang=en"

        assert_problem(intruder.me(), status=401, code="session_revoked")
        assert_problem(intruder.sign_in(password=NEW_PASSWORD), status=401, code="invalid_credentials")
        link = reader.read(person.address, "Your account is locked: choose a new password")
        words = "eleven calm silver rivers"
        assert reader.press(link, new_password=words, new_password_again=words).status_code == 303
        assert person.sign_in(password=words).status_code == 200
        assert person.me().json()["email"] == person.address

    def test_a_registration_with_a_taken_address_is_told_to_its_owner(self, site, reader, person, newcomer):
        curious = newcomer(site)
        assert curious.register(email=person.address.upper()).status_code == 202

        deadline = time.monotonic() + 60
        subjects = []
        while "You already have an account" not in subjects and time.monotonic() < deadline:
            subjects = [m["Subject"] for m in reader.post_office.accepted if m["To"] == person.address]
            time.sleep(0.05)
        assert "You already have an account" in subjects


class TestOperators:
    """What an operator does at ``/admin/users``, as the person sees it in their mailbox and at the sign-in."""

    @pytest.fixture
    def do(self, site, person):
        served.make_administrator(site.environment["DATABASE_URL"], person.name)

        def send(user_id, action, **values):
            path = f"/admin/users/{user_id}/{action}" if action else "/admin/users"
            answer = person.send("POST", path, {"reason": "a reason that stays here", **values})
            assert answer.status_code in (200, 201), answer.text
            return answer.json()

        return send

    def test_invite_lock_and_make_somebody_staff(self, site, reader, newcomer, do):
        guest = newcomer(site, name=f"guest-{secrets.token_hex(4)}")
        user_id = do(None, None, username=guest.name, email=guest.address)["id"]
        link = reader.read(guest.address, "An account was made for you")
        assert reader.press(link, new_password=NEW_PASSWORD, new_password_again=NEW_PASSWORD).status_code == 303
        assert guest.sign_in(password=NEW_PASSWORD).json()["user"]["email_confirmed"] is True

        do(user_id, "lock")
        assert_problem(guest.me(), status=401, code="session_revoked")
        assert_problem(guest.sign_in(password=NEW_PASSWORD), status=403, code="account_disabled")
        do(user_id, "unlock")
        assert guest.sign_in(password=NEW_PASSWORD).status_code == 200

        assert_problem(guest.send("GET", "/admin/users"), status=403, code="permission_denied")
        do(user_id, "grant-staff-rights", rights=["users:read"])
        assert guest.send("GET", f"/admin/users?search={guest.name}").json()["results"][0]["id"] == user_id
        do(user_id, "withdraw-staff-rights")
        assert_problem(guest.send("GET", "/admin/users"), status=401, code="session_revoked")

        do(user_id, "require-password-reset")
        assert_problem(guest.sign_in(password=NEW_PASSWORD), status=403, code="password_reset_required")
        words = "eleven calm silver rivers"
        link = reader.read(guest.address, "You must choose a new password")
        assert reader.press(link, new_password=words, new_password_again=words).status_code == 303
        assert guest.sign_in(password=words).status_code == 200
        texts = [mail.get_body(("plain",)).get_content() for mail in reader.post_office.accepted]
        assert not any("a reason that stays here" in text for text in texts)


@pytest.mark.attack("ASVS 5.0, 4.1.3; OWASP WSTG-INPV-17")
class TestForgedHosts:
    @pytest.mark.parametrize(
        "forged",
        [
            {"X-Forwarded-Host": "evil.example"},
            {"X-Forwarded-Host": "evil.example, 127.0.0.1"},
            {"Forwarded": "host=evil.example;proto=https"},
            {"X-Forwarded-Server": "evil.example"},
            {"X-Original-URL": "https://evil.example/"},
            {"X-Host": "evil.example"},
            {"Origin": "https://evil.example"},
            {"Referer": "https://evil.example/"},
            {"X-Forwarded-Proto": "javascript"},
            {"X-Forwarded-Prefix": "//evil"},
        ],
        ids=lambda forged: next(iter(forged)),
    )
    def test_do_not_change_a_link(self, site, reader, newcomer, forged):
        person = newcomer(site)
        body = {"username": person.name, "email": person.address, "password": person.password}

        assert person.send("POST", "/auth/register", body, headers=forged).status_code == 202
        reader.read(person.address, "Confirm your e-mail address")

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:80@evil.example", "127.0.0.1.evil.example", "["])
    def test_are_refused_where_they_are_the_host(self, site, newcomer, host):
        person = newcomer(site)
        body = {"username": person.name, "email": person.address, "password": person.password}

        assert person.send("POST", "/auth/register", body, headers={"Host": host}).status_code == 400

    def test_in_an_absolute_request_target_do_not_change_a_link(self, site, reader, newcomer):
        person = newcomer(site)
        body = f'{{"username": "{person.name}", "email": "{person.address}", "password": "{person.password}"}}'.encode()
        with httpx.Client(timeout=60) as client:
            answer = client.post(
                f"{site.url}/api/v1/auth/register",
                content=body,
                headers={"Content-Type": "application/json"},
                extensions={"target": b"http://evil.example/api/v1/auth/register"},
            )

        if answer.status_code == 202:
            reader.read(person.address, "Confirm your e-mail address")
        else:
            assert answer.status_code in (400, 404)
