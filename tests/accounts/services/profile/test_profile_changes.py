import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from accounts.errors import VersionMismatch
from accounts.models import User
from accounts.services.profile import profile_changes
from accounts.types import ProfileChange
from tests.factories.accounts import UserFactory


def versions(*numbers):
    return frozenset(numbers)


@pytest.mark.django_db
class TestUpdate:
    def test_changes_what_is_given_and_counts_the_version(self, now, events):
        user = UserFactory(full_name="Before")

        changed = profile_changes.update(user=user, change=ProfileChange(locale="fa"), versions=versions(1), now=now)

        user = User.objects.get()
        assert (user.full_name, user.locale, user.version, user.updated_at) == ("Before", "fa", 2, now)
        assert (changed.locale, changed.version) == ("fa", 2)
        assert events("account.profile_updated").get().data == {"changed": ["locale"]}

    def test_makes_no_version_if_nothing_changes(self, events):
        user = UserFactory(full_name="Same")

        assert (
            profile_changes.update(
                user=user, change=ProfileChange(full_name="Same"), versions=versions(1), now=timezone.now()
            ).version
            == 1
        )
        assert not events("account.profile_updated").exists()

    @pytest.mark.parametrize("wanted", [(), (2,), (0, 2)])
    def test_refuses_another_version(self, wanted):
        user = UserFactory()

        with pytest.raises(VersionMismatch):
            profile_changes.update(
                user=user, change=ProfileChange(full_name="New"), versions=versions(*wanted), now=timezone.now()
            )

    def test_accepts_any_version_if_none_is_given(self):
        user = UserFactory(version=7)

        assert (
            profile_changes.update(
                user=user, change=ProfileChange(full_name="New"), versions=None, now=timezone.now()
            ).version
            == 8
        )

    def test_notices_a_change_since_the_account_was_read(self, events):
        user = UserFactory()
        User.objects.update(version=2)

        with pytest.raises(VersionMismatch):
            profile_changes.update(
                user=user, change=ProfileChange(full_name="New"), versions=versions(1), now=timezone.now()
            )

        assert not events("account.profile_updated").exists()


@pytest.mark.django_db(transaction=True)
class TestUpdateAtTheDatabase:
    def test_refuses_all_but_one_of_simultaneous_changes(self):
        UserFactory()
        barrier = threading.Barrier(6)

        def one(number):
            user = User.objects.get()
            try:
                barrier.wait(timeout=60)
                profile_changes.update(
                    user=user,
                    change=ProfileChange(full_name=f"Name {number}"),
                    versions=versions(1),
                    now=timezone.now(),
                )
            except VersionMismatch:
                return 0
            else:
                return 1
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(one, range(6))) == 1
        assert User.objects.get().version == 2
