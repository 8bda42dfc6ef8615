from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories.service_clients import ISSUER, assertion, register_with_key
from tokens.errors import ClientAuthenticationFailed
from tokens.models import UsedAssertion
from tokens.services import client_authentication
from tokens.services.client_authentication import SignedAssertion

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()  # the signing key of the tests has to be active


class TestUsedAssertions:
    def test_of_one_client_are_bounded(self, now):
        client, private = register_with_key()
        most = client_authentication.MAX_USED_ASSERTIONS
        UsedAssertion.objects.bulk_create(
            UsedAssertion(client_id=client.pk, digest=number.to_bytes(32), expires_at=now + timedelta(hours=1))
            for number in range(most - 1)
        )

        def authenticate_once():
            signed = SignedAssertion(assertion(client, private, now=now))
            return client_authentication.authenticate(credentials=signed, audiences=(ISSUER,), now=now)

        assert authenticate_once()
        with pytest.raises(ClientAuthenticationFailed):
            authenticate_once()
        UsedAssertion.objects.update(expires_at=now - timedelta(hours=1))
        assert authenticate_once()
        assert UsedAssertion.objects.count() == most - 100 + 1  # it also removes some that are past
