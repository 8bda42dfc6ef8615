"""No operator gets, gives or takes a right beyond their own: every action, rank by rank, and in any sequence."""

import random
from contextlib import suppress

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.api.views.administration.user_actions import ACTION_VIEWS
from accounts.errors import AccountError
from accounts.models import User
from accounts.rules.subject_facts import grants_of
from accounts.services.administration import invitations
from accounts.services.administration.invitations import NewPerson
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from accounts.services.administration.staff_rights import RIGHTS
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.tokens import open_session

pytestmark = [pytest.mark.django_db, pytest.mark.attack("OWASP ASVS 5.0, 8.2.2; CWE-269")]

RANKS = {
    "superuser": None,
    "manager": {
        "users:create",
        "users:read",
        "users:change",
        "users:erase",
        "sessions:end",
        "roles:grant",
        "factors:reset",
    },
    "helper": {"users:read", "users:change", "sessions:end", "factors:reset"},
    "granter": {"users:read", "roles:grant"},
    "creator": {"users:create"},
    "person": set(),
}
# The permission that each action takes, written down again.
TAKES = {
    "invite": "users:create",
    "confirm-email": "users:change",
    "send-reset": "users:change",
    "require-password-reset": "users:change",
    "set-tier": "users:change",
    "set-department": "users:change",
    "set-location": "users:change",
    "grant-staff-rights": "roles:grant",
    "withdraw-staff-rights": "roles:grant",
    "grant-role": "roles:grant",
    "revoke-role": "roles:grant",
    "lock": "users:change",
    "unlock": "users:change",
    "logout": "sessions:end",
    "delete": "users:change",
    "restore": "users:change",
    "anonymise": "users:erase",
    "reset-second-factor": "factors:reset",
    "withdraw-second-factor-reset": "factors:reset",
}
# Last, because they take the account away.
LAST = ("lock", "withdraw-staff-rights", "delete", "restore", "anonymise")
VALUES = {
    "set-tier": {"tier": "enterprise"},
    "set-department": {"department": "Treasury"},
    "set-location": {"location": "Vault"},
    "grant-staff-rights": {"rights": ["users:read"]},
    "grant-role": {"role": "users:read"},
    "revoke-role": {"role": "users:read"},
}


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def account(rank, **details):
    permissions = RANKS[rank]
    if permissions is None:
        return UserFactory(raw_password=PASSWORD, admin=True, **details)
    user = UserFactory(**details)
    give(user, *permissions)
    return user


def is_allowed(actor_rank, target_rank, name):
    """Return what must come of it, by sets alone."""
    own, others = RANKS[actor_rank], RANKS[target_rank]
    if own is None:
        return True
    if others is None or not others <= own or TAKES[name] not in own:
        return False
    return name not in ("grant-staff-rights", "grant-role") or "users:read" in own


def in_order():
    return sorted(OPERATOR_ACTIONS, key=lambda name: LAST.index(name) if name in LAST else -1)


class TestEveryAction:
    def test_is_listed_here(self):
        assert set(TAKES) == set(OPERATOR_ACTIONS)

    @pytest.mark.slow
    @pytest.mark.parametrize("target_rank", RANKS)
    @pytest.mark.parametrize("actor_rank", RANKS)
    def test_is_done_to_equals_and_those_below_by_those_who_may(self, actor_rank, target_rank):
        account("superuser")  # so that none is the last one
        actor = account(actor_rank)
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=actor).access_token}")
        for name in filter(ACTION_VIEWS.__contains__, in_order()):
            target = account(target_rank)
            before = User.objects.filter(pk=target.pk).values().get()

            body = {"reason": "because", **VALUES.get(name, {})}
            answer = api.post(f"/api/v1/admin/users/{target.pk}/{name}", body, format="json")

            expected = {200, 204} if is_allowed(actor_rank, target_rank, name) else {403}
            assert answer.status_code in expected, (name, answer.content)
            if answer.status_code == 403:
                assert User.objects.filter(pk=target.pk).values().get() == before, name

    @pytest.mark.parametrize("rank", ["manager", "helper"])
    @pytest.mark.parametrize("change", [{"tier": "enterprise"}, {"department": "Treasury"}, {"location": "Vault"}])
    def test_raises_nobody_by_themselves(self, rank, change):
        actor = account(rank)
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=actor).access_token}")

        answer = api.patch(
            f"/api/v1/admin/users/{actor.pk}",
            {"reason": "because", **change},
            format="json",
            headers={"If-Match": "*"},
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


@pytest.mark.slow
class TestAnySequence:
    @pytest.mark.parametrize("seed", range(4))
    def test_adds_no_rights_up(self, seed):
        """Operators who work together never make an account that has more than one of them had.

        Grants need a target below the granter, so each account's rights stay within those of one account at the start.
        """
        chance, now = random.Random(seed), timezone.now()
        boss = account("superuser")
        staff = [account(rank) for rank in ("manager", "helper", "granter", "creator", "person")]
        give(staff[2], "sessions:read")
        at_the_start = [set(grants_of(user)) for user in staff]
        for step in range(60):
            actor, target = chance.choice(staff), chance.choice([*staff, boss])
            # Services read the rows themselves: what the caller's object says is stale on purpose.
            name = chance.choice([*in_order()[:9], "grant-staff-rights", "create"])
            with suppress(AccountError):
                if name == "create":
                    person = NewPerson(username=f"new-{seed}-{step}", email=f"new-{seed}-{step}@example.com")
                    staff.append(invitations.create(person=person, by=actor, reason="because", now=now))
                else:
                    values = dict(VALUES.get(name, {}))
                    if name == "grant-staff-rights":
                        values = {"rights": tuple(chance.sample(RIGHTS, 2))}
                    if name in ("grant-role", "revoke-role"):
                        values = {"role": chance.choice([*RIGHTS[:-1], "admin"])}
                    OPERATOR_ACTIONS[name].run(user=target, by=actor, reason="because", now=now, **values)
        for user in User.objects.exclude(pk=boss.pk):
            held = set(grants_of(user))
            assert not user.is_superuser
            assert any(held <= initial for initial in at_the_start), held
        boss.refresh_from_db()
        assert (boss.tier, boss.is_active, boss.is_superuser) == ("free", True, True)
