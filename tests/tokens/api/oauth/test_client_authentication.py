"""Client authentication: RFC 6749, 2.3, and RFC 7523, 2.2 and 3."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from cedrina_base import base64url
from security_events.models import SecurityEvent
from tests.factories.service_clients import (
    ASSERTION_TYPE,
    ISSUER,
    MAKE,
    TOKEN_ENDPOINT,
    answer,
    asserted,
    assertion,
    basic,
    claims_of_assertion,
    operator,
    post,
    public_jwk,
    register,
    register_with_key,
)
from tokens.services import service_clients

TOKEN = "/oauth/token"
GRANT = {"grant_type": "client_credentials"}

pytestmark = pytest.mark.django_db


def error(response):
    status, body = answer(response)
    return status, body.get("error")


def reasons():
    events = SecurityEvent.objects.filter(type="service_client.authentication_failed").order_by("id")
    return [reason for event in events for reason in event.risk_reasons]


def raw_basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


class TestBasic:
    def test_decodes_the_id_and_the_secret(self, api):
        """RFC 6749, 2.3.1: both are form-encoded before they are joined."""
        made = register()
        encoded = "".join(f"%{byte:02X}" for byte in str(made.client.pk).encode())
        secret = made.secret.replace("_", "%5F")

        assert error(post(api, TOKEN, GRANT, headers=raw_basic(f"{encoded}:{secret}"))) == (200, None)

    @pytest.mark.parametrize(
        "header", ["Basic", "Basic x", "Basic !!!!", "Basic YWJj", "Basic /////w==", "basic Og==", "Basic JWZmOiVmZg=="]
    )
    def test_is_refused_where_it_is_malformed(self, api, header):
        response = post(api, TOKEN, GRANT, headers={"Authorization": header})

        assert error(response) == (401, "invalid_client")
        assert response["WWW-Authenticate"].startswith("Basic ")

    def test_says_the_same_of_an_unknown_client_and_of_a_wrong_secret(self, api):
        made = register()
        answers = [
            post(api, TOKEN, GRANT, headers=basic(client, secret))
            for client, secret in (
                (made.client.pk, "cds_wrong"),
                ("0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d11", made.secret),
                ("no id at all", made.secret),
                (str(made.client.pk).upper(), made.secret),
            )
        ]
        assert {(response.status_code, response.content) for response in answers} == {
            (401, answers[0].content),
        }

    def test_costs_an_unknown_client_as_many_queries(self, api, django_assert_num_queries):
        made = register()
        for client in (made.client.pk, "0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d11"):
            with django_assert_num_queries(2):  # the second records the failure
                post(api, TOKEN, GRANT, headers=basic(client, "cds_wrong"))


class TestOneWay:
    def test_is_enough(self, api):
        made = register()
        client, private = register_with_key()
        secret = {"client_id": str(made.client.pk), "client_secret": made.secret}
        headers = basic(made.client.pk, made.secret)
        signed = asserted(assertion(client, private))

        for parameters, given in ((secret, headers), (signed, headers), ({**signed, **secret}, {})):
            assert error(post(api, TOKEN, {**GRANT, **parameters}, headers=given)) == (400, "invalid_request")

    def test_names_one_client(self, api):
        made = register()
        parameters = {**GRANT, "client_id": "another"}
        response = post(api, TOKEN, parameters, headers=basic(made.client.pk, made.secret))

        assert error(response) == (400, "invalid_request")

    def test_may_name_it_twice(self, api):
        made = register()
        parameters = {**GRANT, "client_id": str(made.client.pk)}

        assert error(post(api, TOKEN, parameters, headers=basic(made.client.pk, made.secret))) == (200, None)

    def test_is_complete(self, api):
        assert error(post(api, TOKEN, {**GRANT, "client_secret": "x"})) == (400, "invalid_request")
        assert error(post(api, TOKEN, {**GRANT, "client_assertion": "x"})) == (400, "invalid_request")
        assert error(post(api, TOKEN, {**GRANT, "client_assertion_type": ASSERTION_TYPE})) == (400, "invalid_request")
        other = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}
        assert error(post(api, TOKEN, {**GRANT, **asserted("x"), **other})) == (400, "invalid_request")

    def test_is_the_registered_one(self, api):
        signer, _private = register_with_key()
        made = register()
        _other, foreign = register_with_key(name="other")

        assert error(post(api, TOKEN, GRANT, headers=basic(signer.pk, made.secret))) == (401, "invalid_client")
        signed = asserted(assertion(made.client, foreign))
        assert error(post(api, TOKEN, {**GRANT, **signed})) == (401, "invalid_client")
        assert reasons() == ["wrong_secret", "wrong_method"]


class TestPrivateKeyJwt:
    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
    @pytest.mark.parametrize("audience", [ISSUER, TOKEN_ENDPOINT, [ISSUER]])
    def test_is_accepted(self, api, algorithm, audience):
        client, private = register_with_key(algorithm=algorithm)
        signed = assertion(client, private, algorithm=algorithm, aud=audience)

        assert error(post(api, TOKEN, {**GRANT, **asserted(signed)})) == (200, None)

    @pytest.mark.parametrize("headers", [{}, {"kid": "1", "typ": "client-authentication+jwt"}, {"typ": "JWT"}])
    def test_needs_no_key_id_and_may_have_its_type(self, api, headers):
        client, private = register_with_key()

        assert error(post(api, TOKEN, {**GRANT, **asserted(assertion(client, private, headers=headers))})) == (
            200,
            None,
        )

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"aud": "https://other.example.com"}, "assertion_for_another_audience"),
            ({"aud": [ISSUER, "https://other.example.com"]}, "assertion_for_another_audience"),
            ({"aud": f"{ISSUER}/"}, "assertion_for_another_audience"),
            ({"aud": {}}, "assertion_for_another_audience"),
            ({"aud": None}, "assertion_for_another_audience"),
            ({"exp": None}, "assertion_expired"),
            ({"exp": "soon"}, "assertion_expired"),
            ({"exp": True}, "assertion_expired"),
            ({"exp": 1e300}, "assertion_expired"),
            ({"jti": None}, "assertion_malformed"),
            ({"jti": ""}, "assertion_malformed"),
            ({"jti": "x" * 256}, "assertion_malformed"),
            ({"jti": 7}, "assertion_malformed"),
            ({"iss": "another"}, "assertion_malformed"),
            ({"iss": None}, "assertion_malformed"),
        ],
    )
    def test_is_refused_for_a_wrong_claim(self, api, changes, reason):
        client, private = register_with_key()
        signed = signed_as_is(client, private, changes)

        assert error(post(api, TOKEN, {**GRANT, **asserted(signed)})) == (401, "invalid_client")
        assert reasons() == [reason]

    @pytest.mark.parametrize(
        ("claim", "offset", "reason"),
        [
            ("exp", timedelta(seconds=-1), "assertion_expired"),
            ("exp", timedelta(hours=2), "assertion_expired"),
            ("iat", timedelta(minutes=5), "assertion_not_yet_valid"),
            ("nbf", timedelta(minutes=5), "assertion_not_yet_valid"),
        ],
    )
    def test_is_refused_at_another_time(self, api, claim, offset, reason):
        client, private = register_with_key()
        signed = assertion(client, private, **{claim: int((datetime.now(UTC) + offset).timestamp())})

        assert error(post(api, TOKEN, {**GRANT, **asserted(signed)})) == (401, "invalid_client")
        assert reasons() == [reason]

    @pytest.mark.parametrize(
        "headers", [{"typ": "at+jwt"}, {"typ": "dpop+jwt"}, {"kid": "2"}, {"kid": ""}, {"crit": ["exp"]}]
    )
    def test_is_refused_for_a_wrong_header(self, api, headers):
        client, private = register_with_key()
        signed = signed_as_is(client, private, {}, headers=headers)

        assert error(post(api, TOKEN, {**GRANT, **asserted(signed)})) == (401, "invalid_client")

    @pytest.mark.parametrize("text", ["x", "a.b.c", "..", "é", "x" * 9000, "e30.e30.", "bnVsbA.bnVsbA.x"])
    def test_is_refused_where_it_is_none(self, api, text):
        assert error(post(api, TOKEN, {**GRANT, **asserted(text)})) == (401, "invalid_client")

    def test_names_the_client_that_stands_beside_it(self, api):
        client, private = register_with_key()

        def sent(client_id):
            return post(api, TOKEN, {**GRANT, **asserted(assertion(client, private), client_id=client_id)})

        assert error(sent(str(client.pk))) == (200, None)
        assert error(sent("another")) == (401, "invalid_client")

    def test_chooses_among_keys_by_their_id(self, api):
        client, old = register_with_key()
        new = MAKE["RS256"]()
        keys = [public_jwk(old, algorithm="ES256", kid="1"), public_jwk(new, algorithm="RS256", kid="2", alg="PS256")]
        service_clients.change(
            client_id=client.pk, members={"jwks": {"keys": keys}}, operator=operator(), now=datetime.now(UTC)
        )

        def sent(private, algorithm, kid):
            return error(
                post(
                    api,
                    TOKEN,
                    {**GRANT, **asserted(assertion(client, private, algorithm=algorithm, headers={"kid": kid}))},
                )
            )

        assert sent(old, "ES256", "1") == sent(new, "PS256", "2") == (200, None)
        assert sent(new, "RS256", "2") == (401, "invalid_client")  # the key is for PS256 only
        assert sent(old, "ES256", "2") == (401, "invalid_client")


class TestLimits:
    @pytest.fixture(autouse=True)
    def few(self, settings):
        names = ("client-authentication-failures", "service-client")
        settings.RATELIMITING = {
            **settings.RATELIMITING,
            "OVERRIDES": [{"name": name, "limit": 2} for name in names],
        }

    def test_bound_failures_and_lock_no_client_out(self, api):
        made = register()
        wrong, right = basic(made.client.pk, "cds_wrong"), basic(made.client.pk, made.secret)
        failed = [post(api, TOKEN, GRANT, headers=wrong) for _ in range(4)]

        assert [response.status_code for response in failed] == [401, 401, 429, 429]
        assert error(failed[2]) == (429, "temporarily_unavailable")
        assert int(failed[2]["Retry-After"]) >= 1
        assert error(post(api, TOKEN, GRANT, headers=right)) == (200, None)
        assert len(reasons()) == 1

    def test_bound_what_one_client_does_and_no_other(self, api):
        busy, other = register(), register(name="other")
        answers = [post(api, TOKEN, GRANT, headers=basic(busy.client.pk, busy.secret)) for _ in range(3)]

        assert [response.status_code for response in answers] == [200, 200, 429]
        assert error(post(api, TOKEN, GRANT, headers=basic(other.client.pk, other.secret))) == (200, None)

    def test_answer_in_the_shape_of_oauth_before_the_view(self, api, settings):
        settings.RATELIMITING = {**settings.RATELIMITING, "OVERRIDES": [{"name": "oauth-address", "limit": 1}]}
        post(api, TOKEN, GRANT)
        response = post(api, TOKEN, GRANT)

        assert error(response) == (429, "temporarily_unavailable")
        assert int(response["Retry-After"]) >= 1


def signed_as_is(client, private, changes, headers=None):
    """Sign what PyJWT refuses to sign (RFC 7515, 5.1)."""
    header = {"alg": "ES256", **({"kid": "1"} if headers is None else headers)}
    parts = (json.dumps(part).encode() for part in (header, claims_of_assertion(client, **changes)))
    signed = b".".join(base64url.encode(part).encode() for part in parts)
    signature = jwt.get_algorithm_by_name("ES256").sign(signed, private)
    return f"{signed.decode()}.{base64url.encode(signature)}"
