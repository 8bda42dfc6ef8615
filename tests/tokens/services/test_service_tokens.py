"""Access tokens of service clients: RFC 6749, 4.4, RFC 9068 and RFC 7009."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories.client_tokens import claims_of, use
from tests.factories.service_clients import operator, register
from tokens.errors import AccessTokenExpired, AccessTokenInvalid
from tokens.models import RevokedServiceToken, ServiceClient
from tokens.services import keys, service_clients, service_tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()  # the signing key of the tests has to be active


class TestTokens:
    def test_are_accepted_in_one_query_and_written_once_a_minute(self, now, django_assert_num_queries):
        claims = claims_of(register(), now=now)
        use(claims, now=now)
        with django_assert_num_queries(1):
            found = use(claims, now=now + timedelta(seconds=30))
        with django_assert_num_queries(2):
            use(claims, now=now + timedelta(seconds=90))

        assert found.caller.scopes == found.principal.scopes == {"tokens:introspect"}
        assert not found.caller.is_authenticated
        assert ServiceClient.objects.get().last_used_at == now + timedelta(seconds=90)

    def test_expire(self, now):
        claims = claims_of(register(), now=now)
        with pytest.raises(AccessTokenExpired):
            use(claims, now=claims.expires_at)

    def test_lose_a_scope_that_the_client_loses(self, now):
        made = register(scopes=["tokens:introspect", "rate_limits:read"])
        claims = claims_of(made, now=now)
        members = {"scopes": ["rate_limits:read"]}
        service_clients.change(client_id=made.client.pk, members=members, operator=operator(), now=now)

        assert use(claims, now=now).caller.scopes == {"rate_limits:read"}

    def test_die_with_an_emergency_rotation_of_the_signing_key(self, now, own_keys):
        claims = claims_of(register(), now=now)
        keys.rotate(now=now + timedelta(seconds=1), emergency=True)
        with pytest.raises(AccessTokenInvalid):
            use(claims, now=now + timedelta(minutes=1))

    def test_are_revoked_once_and_not_after_their_time(self, now):
        claims = claims_of(register(), now=now)

        assert not service_tokens.revoke(claims=claims, now=claims.expires_at)
        assert [service_tokens.revoke(claims=claims, now=now) for _ in range(2)] == [True, False]
        assert RevokedServiceToken.objects.get().expires_at == claims.expires_at
        with pytest.raises(AccessTokenInvalid):
            use(claims, now=now)
