import pytest

from accounts.errors import InsufficientPrivileges, LastAdministrator, NotAllowed
from accounts.models import User
from accounts.services.administration import authorization
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.factors import add_key

pytestmark = pytest.mark.django_db


def staff(*codenames, **details):
    user = UserFactory(**details)
    give(user, *codenames)
    return user


def act(by, on, *, action="users:change", removes_access=False):
    with authorization.authorize(actor=by, target=on, action=action, removes_access=removes_access):
        User.objects.filter(pk=on.pk).update(full_name="acted on")


class TestAuthorize:
    def test_allows_an_actor_with_the_permission(self, events):
        helper, person = staff("users:change"), UserFactory()
        act(helper, person)

        person.refresh_from_db()
        assert person.full_name == "acted on"
        assert not events("permission.denied").exists()

    @pytest.mark.attack("OWASP ASVS 5.0, 8.2.2")
    def test_refuses_an_actor_with_fewer_privileges_and_records_it(self, events):
        helper, boss = staff("users:change"), UserFactory(admin=True)
        with pytest.raises(InsufficientPrivileges):
            act(helper, boss)

        boss.refresh_from_db()
        assert boss.full_name == ""
        event = events("permission.denied").get()
        assert (event.actor_id, event.target_id, event.outcome) == (str(helper.pk), str(boss.pk), "failure")
        assert event.risk_reasons == ["users:change", "more_rights"]

    def test_counts_what_the_target_has_more(self):
        helper, other = staff("users:change"), staff("users:change")
        give(other, "events:read")

        with pytest.raises(InsufficientPrivileges):
            act(helper, other)
        act(other, helper)

    def test_refuses_an_actor_without_the_permission(self, events):
        with pytest.raises(NotAllowed):
            act(staff("users:read"), UserFactory())

        assert events("permission.denied").get().risk_reasons == ["users:change", "not_allowed"]

    @pytest.mark.parametrize("change", [{"is_active": False}, {"role_grants": ""}, None])
    def test_reads_the_privileges_again(self, change):
        boss, person = UserFactory(admin=True), UserFactory()
        if change is None:
            User.objects.filter(pk=boss.pk).delete()
        else:
            User.objects.filter(pk=boss.pk).update(**change)

        with pytest.raises(NotAllowed):
            act(boss, person)

    def test_counts_the_privileges_of_a_closed_account(self):
        with pytest.raises(InsufficientPrivileges):
            act(staff("users:change"), UserFactory(admin=True, is_active=False))

    def test_allows_the_command_line_all_but_removing_the_last_administrator(self, events):
        boss = UserFactory(admin=True, raw_password=PASSWORD)
        act(None, boss)

        with pytest.raises(LastAdministrator):
            act(None, boss, removes_access=True)
        assert not events("permission.denied").exists()

    @pytest.mark.attack("CWE-671")
    def test_refuses_the_last_administrator_to_remove_their_own_access(self, events):
        boss = UserFactory(admin=True, raw_password=PASSWORD)
        with pytest.raises(LastAdministrator):
            act(boss, boss, action=None, removes_access=True)

        assert events("permission.denied").get().risk_reasons == ["last_administrator"]

    @pytest.mark.parametrize(
        "details",
        [{}, {"raw_password": PASSWORD, "is_active": False}, {"raw_password": PASSWORD, "roles": ["users:change"]}],
        ids=["no way to sign in", "closed", "no administrator"],
    )
    def test_counts_only_administrators_who_can_sign_in(self, details):
        boss = UserFactory(admin=True, raw_password=PASSWORD)
        UserFactory(**{"roles": ["admin"], **details})

        with pytest.raises(LastAdministrator):
            act(boss, boss, action=None, removes_access=True)

    @pytest.mark.parametrize("way", ["password", "passkey"])
    def test_allows_removing_one_of_several_administrators(self, way):
        boss = UserFactory(admin=True, raw_password=PASSWORD)
        other = UserFactory(admin=True, raw_password=PASSWORD if way == "password" else None)
        if way == "passkey":
            add_key(other, is_passkey=True)

        act(boss, boss, action=None, removes_access=True)

    def test_ignores_an_administrator_who_is_closed_already(self):
        boss = UserFactory(admin=True, raw_password=PASSWORD)
        act(boss, UserFactory(admin=True, is_active=False), removes_access=True)
