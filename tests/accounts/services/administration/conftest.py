"""Members of the staff for tests."""

import pytest

from tests.factories.accounts import UserFactory, give


@pytest.fixture
def staff(db):
    """Make a member of the staff with permissions, given by their code names."""

    def make(*codenames, **details):
        user = UserFactory(**details)
        give(user, *codenames)
        return user

    return make
