"""One assertion, and one client, in many requests at the same moment."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from tests.factories.service_clients import ISSUER, assertion, operator, register, register_with_key
from tokens.errors import ClientAuthenticationFailed
from tokens.models import ServiceClientSecret, UsedAssertion
from tokens.services import client_authentication, keys, service_clients
from tokens.services.client_authentication import AuthenticatedClient, ClientSecret, SignedAssertion

THREADS = 12


def authenticate(credentials, now):
    return client_authentication.authenticate(credentials=credentials, audiences=[ISSUER], now=now)


@pytest.mark.attack("RFC 7523, 3")
def test_one_assertion_is_accepted_once(at_once):
    now = timezone.now()
    keys.ensure_first(now=now)
    client, private = register_with_key()
    for _ in range(5):
        signed = SignedAssertion(assertion(client, private, now=now))
        got = at_once(*[partial(authenticate, signed, now)] * THREADS)
        assert sum(isinstance(answer, AuthenticatedClient) for answer in got) == 1, got
        assert sum(isinstance(answer, ClientAuthenticationFailed) for answer in got) == THREADS - 1
    assert UsedAssertion.objects.count() == 5


def test_rotations_leave_two_secrets(at_once):
    now = timezone.now()
    made = register(now=now)

    def rotate():
        return service_clients.rotate_secret(
            client_id=made.client.pk, overlap=timedelta(hours=1), operator=operator(), now=now
        )

    got = at_once(*[rotate] * THREADS)
    assert ServiceClientSecret.objects.count() == 2
    accepted = [
        result
        for result in got
        if isinstance(_tried(ClientSecret(str(made.client.pk), result.secret, "client_secret_post"), now), str)
    ]
    assert len(accepted) == 2
    assert ServiceClientSecret.objects.filter(expires_at__isnull=True).count() == 1


def _tried(credentials, now):
    try:
        return authenticate(credentials, now).name
    except ClientAuthenticationFailed:
        return None


def test_a_client_deleted_meanwhile_is_refused_and_nothing_breaks(at_once):
    now = timezone.now()
    client, private = register_with_key()
    signed = [SignedAssertion(assertion(client, private, now=now)) for _ in range(THREADS)]
    delete = partial(service_clients.delete, client_id=client.pk, operator=operator(), now=now)
    *got, deleted = at_once(*[partial(authenticate, each, now) for each in signed], delete)

    assert deleted is None
    assert {type(answer) for answer in got} <= {AuthenticatedClient, ClientAuthenticationFailed}
