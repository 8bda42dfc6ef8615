"""Every way in which a session can end, by real calls: which reason it leaves, and who is said to have caused it.

A way is a function of a ``World``; it ends the session ``world.pair`` of ``world.user``. A reason that is declared and
has no way here fails the test of this table.
"""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import OutgoingMail
from accounts.services.factors import factor_reset
from accounts.services.mailing import mail_queue
from accounts.services.passwords import operator_passwords
from accounts.services.profile import takeover
from cedrina_base.uuids import uuid7
from security_events.signals import response_started
from security_events.types import ResponseKind, ResponseOrder
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.factors import add_totp
from tests.factories.tokens import open_session, sign_in_at_admin
from tokens.conf import token_settings
from tokens.types import TokenPair

API = "/api/v1"
NEW_PASSWORD = "copper lantern seven owls"
REASON = {"reason": "asked for by telephone"}
WAYS: list[tuple[str, str, Any]] = []
DAY = timedelta(days=1)


@dataclass
class World:
    """A person with one session that is to end, and an operator."""

    user: Any = field(default_factory=lambda: UserFactory(raw_password=PASSWORD))
    pair: TokenPair = None
    began_at: Any = field(default_factory=timezone.now)

    def __post_init__(self):
        self.pair = open_session(user=self.user)

    @property
    def api(self):
        """The person's client, by the session that is to end."""
        return client_of(self.pair)

    def other_api(self):
        """Another session of the person."""
        return client_of(open_session(user=self.user))

    def operator(self):
        return client_of(open_session(user=UserFactory(admin=True)))

    def act(self, name):
        """Do what an operator does at the API."""
        return self.operator().post(f"{API}/admin/users/{self.user.pk}/{name}", REASON, format="json")


def client_of(pair):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
    return api


def way(reason, entity):
    """Enter a way with the code of its reason and the initiating entity (OpenID CAEP 1.0, 2)."""

    def enter(function):
        WAYS.append((reason, entity, function))
        return function

    return enter


def command(name, *arguments):
    call_command(name, *arguments, stdout=io.StringIO(), stderr=io.StringIO())


@way("logout", "user")
def sign_out(world):
    return world.api.post(f"{API}/auth/logout", {}, format="json")


@way("logout_all", "user")
def sign_out_everywhere(world):
    return world.other_api().post(f"{API}/auth/logout", {"all": True}, format="json")


@way("logout", "user")
def sign_out_of_the_admin(world):
    user = UserFactory(admin=True)
    browser = Client()
    world.user, world.pair = user, TokenPair("", "", 0, 0, sign_in_at_admin(browser, user))
    return browser.post("/admin/logout/")


@way("ended_by_owner", "user")
def end_by_id(world):
    return world.other_api().delete(f"{API}/auth/sessions/{world.pair.session_id}")


@way("ended_by_owner", "user")
def end_all_others(world):
    return world.other_api().delete(f"{API}/auth/sessions")


@way("session_limit", "policy")
def sign_in_beyond_the_limit(world):
    for _ in range(token_settings.MAX_SESSIONS_PER_USER - 1):
        open_session(user=world.user)
    return APIClient().post(f"{API}/auth/login", {"username": world.user.username, "password": PASSWORD}, format="json")


@way("password_change", "user")
def change_password(world):
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    return world.other_api().put(f"{API}/auth/change-password", body, format="json")


@way("password_change", "user")
def reset_password(world):
    APIClient().post(f"{API}/auth/forgot-password", {"email": world.user.email}, format="json")
    body = {"token": mailbox.token_in(mailbox.work()[-1]), "new_password": NEW_PASSWORD}
    return APIClient().post(f"{API}/auth/reset-password", body, format="json")


@way("reuse_detected", "system")
def use_a_stolen_refresh_token(world):
    token, answers = world.pair.refresh_token, []
    for _ in range(2):
        refreshed = APIClient().post(f"{API}/auth/refresh", {"refresh_token": token}, format="json")
        token = refreshed.json()["refresh_token"]
    answers = APIClient().post(f"{API}/auth/refresh", {"refresh_token": world.pair.refresh_token}, format="json")
    assert answers.status_code == 401


@way("attack_detected", "system")
def find_an_attack(world):
    end_sessions = ResponseOrder(
        uuid7(), uuid7(), "a_rule", ResponseKind.END_SESSIONS, subject=str(world.user.pk), since=world.began_at
    )
    response_started.send(sender=None, response=end_sessions, now=timezone.now())


@way("token_revoked", "user")
def revoke_the_token(world):
    return APIClient().post(f"{API}/auth/revoke", {"token": world.pair.refresh_token}, format="json")


@way("takeover_reported", "user")
def report_a_takeover(world):
    mail_queue.enqueue(user_id=world.user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
    takeover.report(token=mailbox.token_in(mailbox.work()[-1]), now=timezone.now())


@way("account_deactivated", "admin")
def lock_the_account(world):
    return world.act("lock")


@way("account_deleted", "user")
def delete_the_account(world):
    return world.api.delete(f"{API}/auth/me", {"password": PASSWORD}, format="json")


@way("deleted_by_operator", "admin")
def delete_by_an_operator(world):
    return world.act("delete")


@way("deleted_by_operator", "admin")
def erase_by_an_operator(world):
    return world.act("anonymise")


@way("deleted_by_operator", "admin")
def erase_by_a_command(world):
    command("erase_user", str(world.user.pk), "--now", "--yes")


@way("administrator", "admin")
def end_all_by_an_operator(world):
    return world.act("logout")


@way("administrator", "admin")
def end_one_by_an_operator(world):
    path = f"{API}/admin/users/{world.user.pk}/sessions/{world.pair.session_id}"
    return world.operator().delete(f"{path}?reason=asked")


@way("administrator", "admin")
def revoke_by_a_command(world):
    command("revoke_sessions", "--user", world.user.username, "--yes")


@way("administrator", "admin")
def set_a_password_by_a_command(world):
    operator_passwords.change(user=world.user, password=NEW_PASSWORD, now=timezone.now())


@way("administrator", "admin")
def refuse_the_key_of_refresh_tokens(_world):
    command("rotate_refresh_key", "--emergency", "--yes")


@way("factors_reset", "admin")
def reset_the_second_factors(world):
    earlier = timezone.now() - 4 * DAY
    add_totp(world.user, session_id=world.pair.session_id)
    factor_reset.request(user=world.user, by=UserFactory(admin=True), reason="lost the phone", now=earlier)
    mailbox.work()
    OutgoingMail.objects.filter(kind="factor_reset_requested").update(sent_at=earlier)
    assert factor_reset.carry_out_due(now=timezone.now()) == 1


@way("password_reset_required", "admin")
def require_a_new_password(world):
    return world.act("require-password-reset")


@way("staff_rights_withdrawn", "admin")
def withdraw_staff_rights(world):
    give(world.user, "users:read")
    return world.act("withdraw-staff-rights")
