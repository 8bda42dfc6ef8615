import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from security_events.models import SecurityEvent
from tests.factories.client_tokens import authenticate, claims_of, use
from tests.factories.service_clients import MAKE, operator, public_jwk, register, register_with_key
from tokens.access_tokens.codec import decode_access_token
from tokens.errors import (
    AccessTokenExpired,
    AccessTokenInvalid,
    ClientAuthenticationFailed,
    ScopeNotGrantable,
    ServiceClientChanged,
    ServiceClientInvalid,
    ServiceClientNameTaken,
    ServiceClientNotFound,
)
from tokens.models import RevokedServiceToken, ServiceClient, ServiceClientSecret, UsedAssertion
from tokens.services import client_authentication, purging, service_clients, service_tokens
from tokens.services.client_authentication import ClientSecret

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()  # the signing key of the tests has to be active


def events(kind):
    return list(SecurityEvent.objects.filter(type=f"service_client.{kind}").order_by("id"))


class TestRegister:
    def test_stores_no_secret(self, now):
        made = register(now=now)

        assert made.secret.startswith("cds_")
        (stored,) = ServiceClientSecret.objects.all()
        assert made.secret.encode() not in bytes(stored.digest)
        (event,) = events("created")
        assert event.data["scopes"] == ["tokens:introspect"]
        assert (event.actor_id, event.data["note"]) == ("7", "for a test")
        assert made.secret not in str(event.__dict__)

    @pytest.mark.parametrize(
        ("members", "member", "code"),
        [
            ({"name": " "}, "name", "blank"),
            ({"name": "x" * 101}, "name", "max_length"),
            ({"name": "a\nb"}, "name", "invalid"),
            ({"description": "a\nb"}, "description", "invalid"),
            ({"scopes": []}, "scopes", "required"),
            ({"scopes": ["everything"]}, "scopes", "invalid"),
            ({"authentication_method": "none"}, "authentication_method", "invalid"),
            ({"authentication_method": "private_key_jwt"}, "jwks", "required"),
            ({"jwks": {"keys": []}}, "jwks", "invalid"),
        ],
    )
    def test_refuses_what_a_member_cannot_be(self, members, member, code):
        with pytest.raises(ServiceClientInvalid) as refusal:
            register(**{"name": "orders", **members})
        assert (refusal.value.member, refusal.value.member_code) == (member, code)
        assert not ServiceClient.objects.exists()

    def test_takes_each_name_once(self):
        register()
        with pytest.raises(ServiceClientNameTaken):
            register()

    def test_gives_no_scope_that_the_operator_lacks(self, now):
        members = {"name": "x", "scopes": ["tokens:introspect", "rate_limits:read"]}
        with pytest.raises(ScopeNotGrantable):
            service_clients.register(
                members=members, operator=operator(may_grant=lambda scope: scope == "rate_limits:read"), now=now
            )


class TestDisable:
    def test_refuses_the_client_and_its_tokens_at_once_and_for_ever(self, now):
        made = register()
        claims = claims_of(made, now=now)

        def switch(is_enabled):
            service_clients.change(
                client_id=made.client.pk, members={}, is_enabled=is_enabled, operator=operator(), now=now
            )

        switch(False)
        with pytest.raises(AccessTokenInvalid):
            use(claims, now=now)
        with pytest.raises(ClientAuthenticationFailed):
            authenticate(made, now=now)
        switch(True)
        with pytest.raises(AccessTokenInvalid):
            use(claims, now=now)
        assert use(claims_of(made, now=now), now=now)
        assert [len(events(kind)) for kind in ("disabled", "enabled", "changed")] == [1, 1, 0]

    def test_is_done_once(self, now):
        made = register()
        for _ in range(2):
            service_clients.change(client_id=made.client.pk, members={}, is_enabled=False, operator=operator(), now=now)
        assert len(events("disabled")) == 1

    def test_is_allowed_without_the_scopes_but_enabling_is_not(self, now):
        made, nobody = register(), operator(may_grant=lambda _scope: False)
        given = {"client_id": made.client.pk, "members": {}, "operator": nobody, "now": now}
        service_clients.change(is_enabled=False, **given)
        with pytest.raises(ScopeNotGrantable):
            service_clients.change(is_enabled=True, **given)


class TestChange:
    def test_compares_versions(self, now):
        made = register()
        given = {"client_id": made.client.pk, "operator": operator(), "now": now, "versions": frozenset({1})}
        service_clients.change(members={"description": "a"}, **given)
        with pytest.raises(ServiceClientChanged):
            service_clients.change(members={"description": "b"}, **given)
        with pytest.raises(ServiceClientChanged):
            service_clients.delete(**given)
        assert [event.data["changed"] for event in events("changed")] == [["description"]]

    def test_of_nothing_is_none(self, now):
        made = register()
        service_clients.change(client_id=made.client.pk, members={"name": "orders"}, operator=operator(), now=now)

        assert ServiceClient.objects.get().version == 1
        assert events("changed") == []

    def test_of_the_keys_refuses_the_tokens_from_before(self, now):
        made = register()
        claims = claims_of(made, now=now)
        jwks = {"keys": [public_jwk(MAKE["ES256"](), algorithm="ES256")]}
        members = {"authentication_method": "private_key_jwt", "jwks": jwks}
        changed = service_clients.change(client_id=made.client.pk, members=members, operator=operator(), now=now)

        assert changed.secret is None
        assert not ServiceClientSecret.objects.exists()
        with pytest.raises(AccessTokenInvalid):
            use(claims, now=now)
        back = service_clients.change(
            client_id=made.client.pk, members={"authentication_method": "client_secret"}, operator=operator(), now=now
        )
        assert authenticate(made, secret=back.secret, now=now)
        assert back.client.jwks is None

    @pytest.mark.parametrize("members", [{"jwks": None}, {"scopes": ["tokens:introspect", "rate_limits:read"]}])
    def test_gives_no_credentials_or_scopes_that_the_operator_lacks(self, now, members):
        client, _private = register_with_key()
        if "jwks" in members:
            members = {"jwks": {"keys": [public_jwk(MAKE["ES256"](), algorithm="ES256")]}}
        with pytest.raises(ScopeNotGrantable):
            service_clients.change(
                client_id=client.pk, members=members, operator=operator(may_grant=lambda _scope: False), now=now
            )


class TestRotateSecret:
    def rotate(self, made, now, overlap=HOUR, **given):
        return service_clients.rotate_secret(
            client_id=made.client.pk, overlap=overlap, operator=given.get("operator", operator()), now=now
        )

    def test_accepts_the_secret_before_until_the_overlap_ends(self, now):
        made = register()
        rotated = self.rotate(made, now)

        assert authenticate(made, now=now + HOUR - timedelta(seconds=1))
        with pytest.raises(ClientAuthenticationFailed):
            authenticate(made, now=now + HOUR)
        assert authenticate(made, secret=rotated.secret, now=now + HOUR)
        (event,) = events("secret_rotated")
        assert event.data["overlap_seconds"] == 3600
        assert rotated.secret not in str(event.__dict__)

    def test_leaves_two_secrets_at_most(self, now):
        made = register()
        second = self.rotate(made, now)
        third = self.rotate(made, now + timedelta(minutes=1))

        with pytest.raises(ClientAuthenticationFailed):
            authenticate(made, now=now + timedelta(minutes=1))
        for secret in (second.secret, third.secret):
            assert authenticate(made, secret=secret, now=now + timedelta(minutes=1))
        assert ServiceClientSecret.objects.count() == 2

    def test_without_overlap_ends_the_secret_and_the_tokens(self, now):
        made = register()
        claims = claims_of(made, now=now)
        rotated = self.rotate(made, now, timedelta())

        with pytest.raises(ClientAuthenticationFailed):
            authenticate(made, now=now)
        with pytest.raises(AccessTokenInvalid):
            use(claims, now=now)
        assert ServiceClientSecret.objects.count() == 1
        assert authenticate(made, secret=rotated.secret, now=now)

    def test_with_overlap_keeps_the_tokens(self, now):
        made = register()
        claims = claims_of(made, now=now)
        self.rotate(made, now)

        assert use(claims, now=now)

    @pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
    def test_bounds_the_overlap(self, now, overlap):
        with pytest.raises(ServiceClientInvalid):
            self.rotate(register(), now, overlap)

    def test_is_not_for_clients_with_keys(self, now):
        client, _private = register_with_key()
        with pytest.raises(ServiceClientInvalid):
            service_clients.rotate_secret(client_id=client.pk, overlap=HOUR, operator=operator(), now=now)

    def test_gives_no_credentials_of_scopes_that_the_operator_lacks(self, now):
        with pytest.raises(ScopeNotGrantable):
            self.rotate(register(), now, operator=operator(may_grant=lambda _scope: False))


class TestDelete:
    def test_refuses_what_the_client_had(self, now):
        made = register()
        claims = claims_of(made, now=now)
        service_clients.delete(client_id=made.client.pk, operator=operator(), now=now)

        with pytest.raises(AccessTokenInvalid):
            use(claims, now=now)
        with pytest.raises(ClientAuthenticationFailed):
            authenticate(made, now=now)
        assert not service_tokens.revoke(claims=claims, now=now)
        assert [event.data["note"] for event in events("deleted")] == ["for a test"]
        with pytest.raises(ServiceClientNotFound):
            service_clients.delete(client_id=made.client.pk, operator=operator(), now=now)


class TestPurge:
    def test_forgets_what_could_not_be_used_again(self, now):
        made = register()
        client_id = made.client.pk
        for age in (timedelta(hours=1), timedelta(days=2)):
            UsedAssertion.objects.create(client_id=client_id, digest=bytes([age.days]) * 32, expires_at=now - age)
            RevokedServiceToken.objects.create(jti=uuid.uuid4(), client_id=client_id, expires_at=now - age)
            ServiceClientSecret.objects.create(
                client=made.client, digest=bytes([age.days + 9]) * 32, created_at=now, expires_at=now - age
            )
        purging.purge_expired(now=now)

        assert UsedAssertion.objects.count() == RevokedServiceToken.objects.count() == 1
        assert ServiceClientSecret.objects.count() == 2
