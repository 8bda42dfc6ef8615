from accounts.models import User
from accounts.rules.user_claims import roles_of


class TestRolesOf:
    def test_names_administrators_without_a_query(self):
        assert roles_of(User(role_grants="admin users:read")) == ["admin"]
        assert roles_of(User(is_staff=True, is_superuser=True)) == []
