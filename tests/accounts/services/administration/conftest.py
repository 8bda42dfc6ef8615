"""Members of the staff for tests."""

import pytest
from django.contrib.auth.models import Permission

from tests.factories.accounts import UserFactory


@pytest.fixture
def staff(db):
    """Make a member of the staff with permissions, given by their code names."""

    def make(*codenames, **details):
        user = UserFactory(is_staff=True, **details)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return user

    return make
