import dataclasses
from datetime import timedelta

import jwt
import pytest

from tests.factories.accounts import UserFactory
from tests.factories.tokens import family_of, open_session
from tokens.access_tokens.keyring import keyring
from tokens.models import SigningKey
from tokens.services import signing
from tokens.types import TokenGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


@pytest.fixture
def lineage(now):
    user = UserFactory()
    family = family_of(open_session(user=user, now=now))
    return TokenGrant(
        family_id=family.pk,
        session_id=family.session_id,
        user=user,
        generation=4,
        key_epoch=1,
        amr=("pwd",),
        authenticated_at=now,
        expires_at=now + timedelta(days=7),
        now=now,
    )


class TestSignPair:
    def test_signs_what_the_lineage_says(self, lineage):
        pair = signing.sign_pair(lineage, refresh_token="as given")

        payload = jwt.decode(pair.access_token, options={"verify_signature": False})
        assert (payload["sid"], payload["gen"]) == (str(lineage.session_id), 4)
        assert (pair.refresh_token, pair.session_id) == ("as given", lineage.session_id)
        assert pair.refresh_expires_in == 7 * 86_400

    def test_asks_the_database_nothing(self, lineage, django_assert_num_queries):
        keyring.jwks()
        with django_assert_num_queries(0):
            signing.sign_pair(lineage, refresh_token="x")

    def test_spreads_the_moments_at_which_tokens_expire(self, lineage):
        lifetimes = {signing.sign_pair(lineage, refresh_token="x").expires_in for _ in range(30)}

        assert len(lifetimes) > 1
        assert all(900 * 0.95 - 1 <= lifetime <= 900 for lifetime in lifetimes)

    @pytest.mark.parametrize("seconds", [1, 30, 800])
    def test_never_lets_an_access_token_outlive_its_family(self, lineage, seconds):
        last = dataclasses.replace(lineage, expires_at=lineage.now + timedelta(seconds=seconds))

        assert signing.sign_pair(last, refresh_token="x").expires_in == seconds

    def test_asks_the_project_for_roles(self, lineage, settings):
        settings.TOKENS = {**settings.TOKENS, "ROLES": "tests.tokens.services.test_signing.roles"}
        pair = signing.sign_pair(lineage, refresh_token="x")

        assert jwt.decode(pair.access_token, options={"verify_signature": False})["roles"] == ["gardener"]

    def test_makes_the_first_key_where_there_is_none(self, lineage):
        SigningKey.objects.all().delete()
        keyring.clear()
        pair = signing.sign_pair(lineage, refresh_token="x")

        assert jwt.get_unverified_header(pair.access_token)["kid"] == SigningKey.objects.get().kid


def roles(_user):
    return ["gardener"]
