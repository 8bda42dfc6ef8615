from datetime import timedelta

import pytest

from accounts.models import SignInChallenge, User
from accounts.services.factors import sign_in_challenges
from cedrina_base.signed_tokens import token_digest
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


class TestIssue:
    def test_gives_a_token_of_which_only_the_digest_is_stored(self, now):
        user = UserFactory()

        challenge = sign_in_challenges.issue(user=user, amr=["pwd"], now=now)

        row = SignInChallenge.objects.get()
        assert bytes(row.digest) == token_digest(challenge.token)
        assert challenge.token not in repr(challenge)
        assert (row.user_id, row.amr, row.completed_at) == (user.pk, ["pwd"], None)
        assert row.expires_at == now + timedelta(seconds=challenge.expires_in)

    def test_is_bound_to_the_password_of_that_moment(self, now):
        user = UserFactory(raw_password="violet harbour drum kite")
        sign_in_challenges.issue(user=user, amr=["pwd"], now=now)
        before = sign_in_challenges.password_binding(user=user)
        assert bytes(SignInChallenge.objects.get().bound_to) == before

        user.set_password("copper lantern seven owls")

        assert sign_in_challenges.password_binding(user=user) != before

    def test_upgrades_a_cheap_hash_on_the_way(self, now):
        user = UserFactory(password="cheap")

        sign_in_challenges.issue(user=user, amr=["pwd"], upgraded_digest="dear", now=now)

        assert User.objects.get(pk=user.pk).password == "dear"
        assert bytes(SignInChallenge.objects.get().bound_to) == sign_in_challenges.password_binding(
            user=User.objects.get(pk=user.pk)
        )
