import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.rules.privileges import Privileges, may_act_on

permissions = st.frozensets(st.sampled_from("abcd"))
rights = st.builds(Privileges, is_superuser=st.booleans(), is_staff=st.booleans(), permissions=permissions)
superuser, person = Privileges(is_superuser=True, is_staff=True), Privileges()


def staff(names=""):
    return Privileges(is_staff=True, permissions=frozenset(names))


class TestMayActOn:
    @pytest.mark.parametrize(
        ("actor", "target", "answer"),
        [
            (superuser, superuser, True),
            (superuser, staff("ab"), True),
            (superuser, person, True),
            (Privileges(is_superuser=True), superuser, True),
            (staff("abcd"), superuser, False),
            (staff("ab"), staff("ab"), True),
            (staff("ab"), staff("a"), True),
            (staff("a"), staff("ab"), False),
            (staff("ab"), staff("bc"), False),
            (staff(), staff(), True),
            (staff("a"), person, True),
            (staff("a"), Privileges(is_superuser=True), False),
            # Permissions that lie ready for the day when somebody becomes staff.
            (staff("a"), Privileges(permissions=frozenset("b")), False),
            (Privileges(permissions=frozenset("ab")), Privileges(permissions=frozenset("a")), False),
            (person, staff(), False),
            (person, superuser, False),
            (person, person, True),
        ],
    )
    def test_compares_the_privileges_of_both(self, actor, target, answer):
        assert may_act_on(actor, target) is answer

    @given(one=rights, other=rights)
    def test_allows_two_to_act_on_each_other_only_if_they_are_equals(self, one, other):
        if may_act_on(one, other) and may_act_on(other, one):
            assert one.is_superuser == other.is_superuser
            assert one.is_superuser or (one.is_staff, one.permissions) == (other.is_staff, other.permissions)

    @given(actor=rights, target=rights, more=permissions)
    def test_never_allows_more_on_a_target_with_more_privileges(self, actor, target, more):
        greater = Privileges(target.is_superuser, target.is_staff, target.permissions | more)

        assert not may_act_on(actor, greater) or may_act_on(actor, target)
