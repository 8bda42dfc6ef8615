"""Nobody becomes more by roles than they were: by what they give, whom they act on, when, and through stale copies."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access.errors import RoleNotFound
from accounts.access.models import RoleGrant
from accounts.access.services import active_policy
from accounts.access.services.decisions import may
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.errors import InsufficientPrivileges, LastAdministrator, NotAllowed, OwnAccount
from accounts.models import User
from accounts.services.administration import account_status, role_columns, role_grants
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.tokens import open_session, sign_in_at_admin

pytestmark = [pytest.mark.django_db, pytest.mark.attack("OWASP ASVS 5.0, 8.2.2; CWE-269")]
REASON = "because"
# So that the clock of a decision is that of the roles.
HOUR = timedelta(hours=1)
NEVER = {"weekdays": ["mon"], "from": "00:00", "until": "00:01", "time_zone": "UTC"}


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def policy(now):
    """Change roles and rules: ``{role: [rules]}``, where a rule is a permission or members of a rule."""

    def change(roles, parents=None):
        with policy_change(author=Author(), reason=REASON, now=now) as writer:
            for name in roles:
                writer.put_role(name, {"parents": (parents or {}).get(name, [])})
            for name, rules in roles.items():
                for rule in rules:
                    members = rule if isinstance(rule, dict) else {"object": f"permissions/{rule}", "action": "use"}
                    writer.add_rule({"subject": f"role:{name}", "effect": "allow", **members})
        active_policy.refresh()

    return change


def grant(user, role, by, now, until=None):
    return role_grants.grant_role(user=user, role=role, by=by, reason=REASON, expires_at=until, now=now)


class TestGiving:
    def test_gives_what_one_has(self, now):
        granter, person = UserFactory(roles=["roles:grant", "users:read"]), UserFactory()

        version = grant(person, "users:read", granter, now)

        person.refresh_from_db()
        assert version == active_policy.refresh()
        assert may(person, "users:read")
        assert (person.role_grants, person.is_staff, person.is_superuser) == ("users:read", True, False)

    @pytest.mark.parametrize(
        "role",
        ["users:erase", "admin", "security", "inherits", "everywhere", "any-permission", "yet-to-come", "locked"],
    )
    def test_gives_nothing_that_one_has_not(self, policy, now, role):
        policy(
            {
                "inherits": [],
                "everywhere": [{"object": "**", "action": "*"}],
                "any-permission": [{"object": "permissions/*", "action": "use"}],
                "yet-to-come": [
                    {"object": "permissions/users:erase", "action": "use", "valid_from": "2090-01-01T00:00:00Z"}
                ],
                "locked": [{"object": "documents/**", "action": "read", "hours": NEVER}],
            },
            parents={"inherits": ["admin"]},
        )
        granter, person = UserFactory(roles=["roles:grant", "support"]), UserFactory()

        with pytest.raises(InsufficientPrivileges):
            grant(person, role, granter, now)

        assert not RoleGrant.objects.filter(subject=f"user:{person.pk}").exists()

    def test_gives_nothing_that_is_denied_to_oneself(self, policy, now):
        policy({"kept-small": [{"object": "permissions/users:change", "action": "use", "effect": "deny"}]})
        granter = UserFactory(roles=["roles:grant", "support", "kept-small"])
        for role in ("users:change", "support"):
            with pytest.raises(InsufficientPrivileges):
                grant(UserFactory(), role, granter, now)
        grant(UserFactory(), "users:read", granter, now)

    def test_gives_nothing_for_longer_than_one_has_it(self, now):
        granter, person = UserFactory(roles=["roles:grant"]), UserFactory()
        give(granter, "admin", until=now + HOUR)
        for until in (None, now + 2 * HOUR):
            with pytest.raises(InsufficientPrivileges):
                grant(person, "support", granter, now, until)
        grant(person, "support", granter, now, now + HOUR)

    def test_gives_nothing_by_a_rule_that_ends(self, policy, now):
        ends = (now + HOUR).isoformat()
        policy({"until-tonight": [{"object": "permissions/users:read", "action": "use", "valid_until": ends}]})
        granter = UserFactory(roles=["roles:grant", "until-tonight"])
        assert may(granter, "users:read")
        with pytest.raises(InsufficientPrivileges):
            grant(UserFactory(), "users:read", granter, now)

    def test_gives_no_role_that_is_more_in_another_department(self, policy, now):
        of_sales = {"object": "permissions/users:erase", "action": "use", "department": "Sales"}
        policy({"manager": ["users:read", of_sales]})
        granter = UserFactory(roles=["roles:grant", "manager"], department="IT")
        with pytest.raises(InsufficientPrivileges):
            grant(UserFactory(department="Sales"), "manager", granter, now)

    def test_gives_nothing_to_oneself_nor_without_the_permission(self, now):
        granter = UserFactory(roles=["roles:grant", "users:read"])
        with pytest.raises(OwnAccount):
            grant(granter, "users:read", granter, now)
        with pytest.raises(NotAllowed):
            grant(UserFactory(), "users:read", UserFactory(roles=["users:read"]), now)

    @pytest.mark.parametrize("role", ["break:glass", "nothing", "user:admin", "role:admin"])
    def test_gives_no_role_that_does_not_exist(self, now, role):
        with pytest.raises(RoleNotFound):
            grant(UserFactory(), role, None, now)

    def test_takes_no_end_from_what_somebody_above_was_given(self, now):
        granter, boss = UserFactory(roles=["roles:grant", "users:read"]), UserFactory(roles=["admin"])
        with pytest.raises(InsufficientPrivileges):
            role_grants.revoke_role(user=boss, role="admin", by=granter, reason=REASON, now=now)


class TestActing:
    def lock(self, user, by, now):
        return account_status.deactivate(user=user, by=by, reason=REASON, now=now)

    def test_on_nobody_whose_privileges_begin_later(self, policy, now):
        policy(
            {
                "night-shift": [{"object": "permissions/users:erase", "action": "use", "hours": NEVER}],
                "from-home": [
                    {
                        "object": "permissions/users:erase",
                        "action": "use",
                        "conditions": [{"name": "network", "arguments": {"networks": ["192.0.2.0/24"]}}],
                    }
                ],
            }
        )
        helper = UserFactory(roles=["support"])
        for role in ("night-shift", "from-home"):
            with pytest.raises(InsufficientPrivileges):
                self.lock(UserFactory(roles=[role]), helper, now)

    def test_on_nobody_who_can_break_the_glass(self, now):
        with pytest.raises(InsufficientPrivileges):
            self.lock(UserFactory(roles=["access:break_glass"]), UserFactory(roles=["support"]), now)

    def test_by_all_permissions_one_by_one_is_not_being_an_administrator(self, now):
        from accounts.access.known_permissions import KNOWN_PERMISSIONS

        with pytest.raises(InsufficientPrivileges):
            self.lock(UserFactory(admin=True), UserFactory(roles=list(KNOWN_PERMISSIONS)), now)

    def test_by_a_role_that_has_ended(self, now):
        helper = UserFactory()
        give(helper, "support", until=now - timedelta(seconds=1))
        assert helper.is_staff  # a column that nobody has brought up to date yet
        with pytest.raises(NotAllowed):
            self.lock(UserFactory(), helper, now)

    def test_by_a_copy_of_the_row_that_is_stale(self, now):
        helper = UserFactory(roles=["support"])
        role_grants.revoke_role(user=helper, role="support", by=None, reason=REASON, now=now)
        assert "support" in helper.role_grants
        with pytest.raises(NotAllowed):
            self.lock(UserFactory(), helper, now)


class TestColumnsAndNames:
    def test_of_django_give_nothing(self):
        user = UserFactory()
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        group = Group.objects.create(name="admin")
        group.permissions.set(Permission.objects.all())
        user.groups.add(group)
        user.user_permissions.set(Permission.objects.all())
        user = User.objects.get(pk=user.pk)

        assert not may(user, "users:read")
        assert not user.has_perm("accounts.view_user")
        assert not user.has_module_perms("accounts")
        assert user.get_all_permissions() == set()

    def test_of_an_account_called_like_a_role_give_nothing(self, policy):
        policy({"auditing": ["users:erase"]})
        for name in ("admin", "auditing", "security"):
            assert not may(UserFactory(username=name), "users:erase")

    def test_follow_a_permission_of_django(self, policy):
        policy({"clerk": ["users:read", {"object": "django/shop/view_order", "action": "use"}]})
        clerk = UserFactory(roles=["clerk"])

        assert clerk.has_perm("accounts.view_user")
        assert clerk.has_module_perms("accounts")
        assert clerk.has_perm("shop.view_order")
        assert clerk.get_all_permissions() == {"accounts.view_user"}
        assert not clerk.has_perm("shop.delete_order")
        assert not clerk.has_perm("accounts.change_user")
        assert not clerk.has_perm("nonsense")


class TestAnEnd:
    def test_in_the_middle_of_work_ends_the_work(self, now):
        boss = UserFactory(raw_password=PASSWORD)
        give(boss, "admin", until=now + HOUR)
        browser, api = Client(), APIClient()
        sign_in_at_admin(browser, boss)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=boss).access_token}")
        assert browser.get("/admin/").status_code == 200
        assert api.get("/api/v1/admin/users").status_code == 200

        ended = now - timedelta(seconds=1)
        RoleGrant.objects.update(expires_at=ended)
        User.objects.filter(pk=boss.pk).update(role_grants=f"admin@{int(ended.timestamp())}")

        assert User.objects.get(pk=boss.pk).is_staff  # until the job has run
        assert browser.get("/admin/").status_code == 302
        assert api.get("/api/v1/admin/users").status_code == 403
        assert api.get("/api/v1/auth/me").json()["roles"] == []
        role_columns.refresh(now=now)
        assert not User.objects.get(pk=boss.pk).is_staff

    def test_makes_no_superuser(self, now):
        user = UserFactory()
        grant(user, "admin", None, now, now + HOUR)
        user.refresh_from_db()
        assert (user.is_superuser, user.is_staff, may(user, "users:erase")) == (False, True, True)


class TestTheLastAdministrator:
    @pytest.fixture
    def boss(self):
        return UserFactory(admin=True, raw_password=PASSWORD)

    def test_keeps_the_role(self, boss, now):
        UserFactory(admin=True)  # who can't sign in
        give(UserFactory(raw_password=PASSWORD), "admin", until=now + HOUR)
        with pytest.raises(LastAdministrator):
            role_grants.revoke_role(user=boss, role="admin", by=None, reason=REASON, now=now)
        with pytest.raises(LastAdministrator):
            grant(boss, "admin", None, now, now + HOUR)
        with pytest.raises(LastAdministrator):
            role_grants.revoke_all(user=boss, by=None, reason=REASON, now=now)
        grant(UserFactory(raw_password=PASSWORD), "admin", None, now)
        role_grants.revoke_role(user=boss, role="admin", by=None, reason=REASON, now=now)

    def test_gets_no_role_that_denies(self, boss, policy, now):
        policy({"suspended": [{"object": "**", "action": "*", "effect": "deny"}]})
        with pytest.raises(LastAdministrator):
            grant(boss, "suspended", None, now)

    @pytest.mark.parametrize(
        "members",
        [
            {},
            {"hours": NEVER},
            {"valid_from": "2090-01-01T00:00:00Z"},
            {"conditions": [{"name": "network", "arguments": {"networks": ["192.0.2.0/24"]}}]},
        ],
        ids=["at once", "for a minute a week", "later", "from somewhere"],
    )
    def test_is_denied_nothing_by_a_rule(self, boss, policy, members):
        from accounts.access.errors import LastAdministrator as Refusal

        for subject in ("role:admin", f"user:{boss.pk}"):
            with pytest.raises(Refusal):
                policy(
                    {
                        "other": [
                            {
                                "subject": subject,
                                "object": "permissions/roles:grant",
                                "action": "use",
                                "effect": "deny",
                                **members,
                            }
                        ]
                    }
                )

    def test_may_be_one_by_another_role_or_by_a_rule(self, boss, policy, now):
        policy({"owner": [{"object": "permissions/**", "action": "*"}], "founder": []}, parents={"founder": ["owner"]})
        founder = UserFactory(raw_password=PASSWORD)
        grant(founder, "founder", None, now)
        role_grants.revoke_role(user=boss, role="admin", by=None, reason=REASON, now=now)

        with pytest.raises(LastAdministrator):
            account_status.deactivate(user=founder, by=None, reason=REASON, now=now)
