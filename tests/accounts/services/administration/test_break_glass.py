"""All rights for minutes: whatever the policy says, with a loud event, and until the clock says so."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.access.models import PolicyRule
from accounts.access.services import active_policy, privilege_order
from accounts.access.services.decisions import may
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.errors import DetailsInvalid, InsufficientPrivileges, NotAllowed, NotFound
from accounts.rules.subject_facts import holder_of
from accounts.services.administration import break_glass, role_columns, role_grants
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session

pytestmark = pytest.mark.django_db
REASON = "support is locked out"


@pytest.fixture
def now():
    """Return the present, because authorization looks at the clock."""
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def on_call():
    return UserFactory(username="oncall", roles=["access:break_glass"], raw_password=PASSWORD)


def start(user, by, now, minutes=15):
    started = break_glass.start(user=user, by=by, reason=REASON, minutes=minutes, now=now)
    user.refresh_from_db()
    return started


class TestStart:
    def test_allows_everything_until_its_end(self, on_call, now):
        assert not may(on_call, "users:erase", at=now)

        started = start(on_call, on_call, now)

        assert started.ends_at == now + timedelta(minutes=15)
        assert may(on_call, "users:erase", at=started.ends_at - timedelta(seconds=1))
        assert may(on_call, "not:declared", at=now)
        assert on_call.has_perm("anything.at_all")
        assert not may(on_call, "users:erase", at=started.ends_at)
        assert (on_call.is_superuser, on_call.is_staff) == (False, True)

    def test_is_critical_and_told_to_all_administrators_without_the_reason(self, on_call, events, now):
        UserFactory(username="boss", admin=True)
        UserFactory(username="gone", admin=True, is_active=False)
        start(on_call, on_call, now)

        event = events("access.break_glass_started").get()
        assert (event.severity, event.actor_id, event.target_id) == ("critical", str(on_call.pk), str(on_call.pk))
        assert event.data["note"] == REASON
        assert event.data["minutes"] == 15
        sent = mailbox.work()
        assert {mail.to[0] for mail in sent} == {"oncall@example.com", "boss@example.com"}
        assert all("oncall" in mail.body and REASON not in mail.body for mail in sent)

    @pytest.mark.parametrize("minutes", [0, -1, 61, 10**9])
    def test_takes_no_other_number_of_minutes(self, on_call, now, minutes):
        with pytest.raises(DetailsInvalid):
            start(on_call, on_call, now, minutes)

    @pytest.mark.attack("CWE-269")
    def test_needs_its_permission_and_is_for_oneself(self, on_call, now):
        with pytest.raises(NotAllowed):
            start(UserFactory(roles=["roles:grant"]), UserFactory(), now)
        with pytest.raises(InsufficientPrivileges):
            start(UserFactory(admin=True), on_call, now)
        with pytest.raises(NotFound):
            start(UserFactory(is_active=False), None, now)

    @pytest.mark.attack("CWE-269")
    def test_gives_nothing_that_stays(self, on_call, now):
        start(on_call, on_call, now)
        order = privilege_order.current()
        assert order.may_give(holder_of(on_call), "admin", until=now + timedelta(minutes=15), at=now)
        with pytest.raises(InsufficientPrivileges):
            role_grants.grant_role(user=UserFactory(), role="admin", by=on_call, reason=REASON, now=now)

    def test_ends_early_when_it_is_taken(self, on_call, now):
        start(on_call, on_call, now)
        role_grants.revoke_role(user=on_call, role="break:glass", by=None, reason=REASON, now=now)
        on_call.refresh_from_db()
        assert not may(on_call, "users:erase", at=now)

    def test_leaves_the_admin_when_it_has_ended(self, on_call, now):
        start(on_call, on_call, now)
        role_columns.refresh(now=now + timedelta(hours=1))
        on_call.refresh_from_db()
        assert not on_call.is_staff


class TestABrokenPolicy:
    def break_policy(self, how, now):
        if how == "empty":
            PolicyRule.objects.all().delete()
        else:  # past the writer, which would refuse it
            PolicyRule.objects.filter(subject="role:admin").update(object="a//b")
        active_policy.forget()

    @pytest.mark.parametrize("how", ["empty", "unreadable"])
    def test_denies_everything_but_break_glass(self, how, now):
        boss = UserFactory(username="boss", admin=True, raw_password=PASSWORD)
        self.break_policy(how, now)
        assert not may(boss, "users:read")

        out = io.StringIO()
        call_command("break_glass", "boss", "--minutes", "5", "--reason", REASON, stdout=out)

        assert "boss" in out.getvalue()
        boss.refresh_from_db()
        assert may(boss, "users:read")
        # And so it can be mended.
        PolicyRule.objects.all().delete()
        with policy_change(author=Author(str(boss.pk), "boss"), reason=REASON, now=now) as writer:
            writer.add_rule({"subject": "role:admin", "object": "**", "action": "*", "effect": "allow"})
        active_policy.refresh()
        assert may(UserFactory(admin=True), "users:read")


class TestCommand:
    def run(self, *arguments):
        out = io.StringIO()
        call_command("break_glass", *arguments, "--reason", REASON, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    def test_only_says_what_it_would_do(self, on_call):
        self.run("oncall", "--minutes", "5", "--dry-run")
        on_call.refresh_from_db()
        assert "break:glass" not in on_call.role_grants

    @pytest.mark.parametrize("arguments", [("nobody", "--minutes", "5"), ("oncall", "--minutes", "61")])
    def test_refuses(self, on_call, arguments):
        with pytest.raises(SystemExit):
            self.run(*arguments)


class TestCall:
    URL = "/api/v1/admin/break-glass"

    def call(self, api, user, body, **session):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user, **session).access_token}")
        return api.post(self.URL, body, format="json")

    def test_answers_with_the_end(self, api, on_call):
        answer = self.call(api, on_call, {"reason": REASON, "minutes": 15})

        assert answer.status_code == 200
        assert answer.headers["X-Policy-Version"] == str(answer.json()["version"])
        assert api.get("/api/v1/admin/users").status_code == 200

    def test_asks_for_a_recent_sign_in(self, api, on_call):
        answer = self.call(api, on_call, {"reason": REASON, "minutes": 15}, now=timezone.now() - timedelta(minutes=10))
        assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"minutes": 15}, "required"),
            ({"reason": REASON}, "required"),
            ({"reason": REASON, "minutes": 61}, "invalid"),
            ({"reason": REASON, "minutes": 0}, "invalid"),
            ({"reason": REASON, "minutes": "5"}, "invalid"),
            ({"reason": "a\nb", "minutes": 5}, "invalid"),
            ({"reason": REASON, "minutes": 5, "user": "boss"}, "unknown_field"),
        ],
    )
    def test_refuses_bad_input(self, api, on_call, body, code):
        answer = self.call(api, on_call, body)
        assert answer.status_code == 422
        assert [error["code"] for error in answer.json()["errors"]] == [code]

    def test_is_nothing_for_others(self, api):
        answer = self.call(api, UserFactory(roles=["support"]), {"reason": REASON, "minutes": 5})
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
