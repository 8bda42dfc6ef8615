"""The kinds of providers, each with its own ways, played by an issuer on loopback."""

import hashlib
import hmac
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from django.utils import timezone

from accounts.errors import ProviderAddressUnverified, ProviderUnavailable, SocialTokenInvalid
from accounts.models import ProviderToken
from accounts.services.social import authorizations, provider_sign_in
from accounts.services.social.authorizations import ProviderCallback
from tests.peers.openid_provider.fake_issuer import CLIENT_ID, KID, REDIRECT_URI, SECRET, rsa_key

pytestmark = pytest.mark.django_db
APP_ID = CLIENT_ID


def go_and_come_back(issuer, phone):
    departure = authorizations.begin(provider_id="fake", redirect_uri=REDIRECT_URI, now=timezone.now())
    asked = {name: values[0] for name, values in parse_qs(urlsplit(departure.url).query).items()}
    issuer.nonce = asked["nonce"]
    returned = ProviderCallback(code="a-code", state=departure.state)
    return asked, provider_sign_in.by_code(provider_id="fake", callback=returned, client=phone, now=timezone.now())


@pytest.fixture
def configure(settings, issuer):
    def choose(**members):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "SOCIAL_PROVIDERS": [issuer.provider(**members)]}

    return choose


class TestGoogle:
    def test_is_an_openid_provider_like_others(self, issuer, configure, phone):
        configure(kind="google", name="Google")
        asked, outcome = go_and_come_back(issuer, phone)
        assert asked["scope"] == "openid profile email"
        assert outcome.user.is_email_confirmed

    def test_takes_the_tokens_of_an_application_for_phones(self, issuer, configure, phone):
        # On Android the token is for the server, with the phone's client as the authorized party.
        configure(kind="google", token_audiences=["android-client"])
        token = issuer.id_token(azp="android-client")
        assert provider_sign_in.by_token(
            provider_id="fake", id_token=token, access_token=None, nonce=None, client=phone, now=timezone.now()
        ).user


class TestMicrosoft:
    def test_does_not_vouch_for_an_address_by_naming_it(self, issuer, configure, phone):
        # An administrator of any tenant may put any address there, and the claim of Google's name means nothing.
        configure(kind="microsoft")
        with pytest.raises(ProviderAddressUnverified):
            go_and_come_back(issuer, phone)

    @pytest.mark.parametrize("value", [True, "true", "1", 1])
    def test_vouches_for_an_address_of_a_domain_that_the_tenant_owns(self, issuer, configure, phone, value):
        configure(kind="microsoft")
        issuer.claims = {"xms_edov": value, "email_verified": None}
        assert go_and_come_back(issuer, phone)[1].user.is_email_confirmed

    @pytest.mark.parametrize("value", [False, "false", "0", 0, None, "yes"])
    def test_does_not_where_it_says_no(self, issuer, configure, phone, value):
        configure(kind="microsoft")
        issuer.claims = {"xms_edov": value}
        with pytest.raises(ProviderAddressUnverified):
            go_and_come_back(issuer, phone)

    def test_vouches_for_the_domains_that_the_operator_lists(self, issuer, configure, phone):
        configure(kind="microsoft", trusted_for_email=["example.com"])
        issuer.claims = {"email_verified": None}
        assert go_and_come_back(issuer, phone)[1].user.is_email_confirmed


class Facebook:
    """Its Graph API, as far as it is used."""

    def __init__(self, issuer):
        self.issuer = issuer
        self.token = {
            "is_valid": True,
            "app_id": APP_ID,
            "user_id": "1000",
            "expires_at": int(time.time()) + 3600,
        }
        self.person = {"id": "1000", "name": "Mina Karimi", "email": "mina@example.com"}
        issuer.answers |= {
            "/oauth/access_token": {"access_token": "an-access-token", "token_type": "bearer"},
            "/debug_token": lambda: {"data": self.token},
            "/me": lambda: self.person,
            "/.well-known/oauth/openid/jwks/": lambda: {"keys": issuer.keys},
        }

    def asked(self, path):
        found = next(each for each in self.issuer.asked if each.startswith(path + "?"))
        return {name: values[0] for name, values in parse_qs(urlsplit(found).query).items()}


@pytest.fixture
def facebook(issuer, configure):
    configure(kind="facebook", name="Facebook", graph_url=issuer.url, trusted_for_email=True, store_tokens=True)
    return Facebook(issuer)


class TestFacebook:
    def present(self, phone, **given):
        tokens = {"id_token": None, "access_token": None, "nonce": None, **given}
        return provider_sign_in.by_token(provider_id="fake", client=phone, now=timezone.now(), **tokens)

    def test_exchanges_a_code_with_the_verifier(self, facebook, issuer, phone):
        asked, outcome = go_and_come_back(issuer, phone)
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "email,public_profile"
        assert len(issuer.posted["code_verifier"]) >= 43
        assert outcome.user.email == "mina@example.com"
        assert ProviderToken.objects.get().access_token == "an-access-token"

    def test_has_the_token_inspected_and_proves_that_it_knows_the_secret(self, facebook, issuer, phone):
        go_and_come_back(issuer, phone)
        assert facebook.asked("/debug_token") == {
            "input_token": "an-access-token",
            "access_token": f"{APP_ID}|{SECRET}",
        }
        proof = hmac.new(SECRET.encode(), b"an-access-token", hashlib.sha256).hexdigest()
        assert facebook.asked("/me")["appsecret_proof"] == proof

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("is_valid", False),
            ("is_valid", None),
            ("is_valid", "true"),
            ("app_id", "another"),
            ("app_id", None),
            ("user_id", "2000"),
            ("user_id", None),
            ("expires_at", 1),
        ],
    )
    def test_refuses_a_token_that_is_not_for_us(self, facebook, issuer, phone, member, value):
        facebook.token[member] = value
        with pytest.raises(SocialTokenInvalid):
            self.present(phone, access_token="an-access-token")
        with pytest.raises(SocialTokenInvalid):
            go_and_come_back(issuer, phone)

    @pytest.mark.parametrize("answer", [{"data": None}, {"data": []}, {"data": {}}, (400, b"{}", {}), (200, b"x", {})])
    def test_refuses_what_can_not_be_inspected(self, facebook, issuer, phone, answer):
        issuer.answers["/debug_token"] = answer
        with pytest.raises(SocialTokenInvalid):
            self.present(phone, access_token="an-access-token")

    def test_is_an_outage_while_it_is_out_of_order(self, facebook, issuer, phone):
        issuer.answers["/debug_token"] = (503, b"{}", {})
        with pytest.raises(ProviderUnavailable):
            self.present(phone, access_token="an-access-token")

    def test_takes_an_access_token_once(self, facebook, phone):
        assert self.present(phone, access_token="an-access-token")
        with pytest.raises(SocialTokenInvalid):
            self.present(phone, access_token="an-access-token")

    def test_takes_a_token_that_never_expires(self, facebook, phone):
        facebook.token["expires_at"] = 0
        assert self.present(phone, access_token="an-access-token")

    def test_takes_the_id_token_of_limited_login(self, facebook, issuer, phone):
        claims = {"iss": "https://www.facebook.com", "sub": "1000", "nonce": "n1"}
        good = issuer.id_token(**claims)
        provider = provider_sign_in.registry.find("fake")
        assert provider.issuer == issuer.url
        good = issuer.id_token(sub="1000", nonce="n1")
        assert self.present(phone, id_token=good, nonce="n1").user.full_name == "Mina Karimi"
        for bad in (issuer.id_token(**claims), issuer.id_token(sub="1000", nonce="n2"), issuer.id_token(aud="x")):
            with pytest.raises(SocialTokenInvalid):
                self.present(phone, id_token=bad, nonce="n1")

    def test_does_not_vouch_for_addresses_by_itself(self, facebook, issuer, configure, phone):
        configure(kind="facebook", graph_url=issuer.url)
        with pytest.raises(ProviderAddressUnverified):
            self.present(phone, access_token="an-access-token")

    def test_refuses_a_sign_in_without_an_address(self, facebook, phone):
        del facebook.person["email"]
        with pytest.raises(ProviderAddressUnverified):
            self.present(phone, access_token="an-access-token")


class TestAnIssuerWithOtherKeys:
    @pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256"])
    def test_may_sign_by_any_good_algorithm(self, issuer, configure, phone, algorithm):
        key = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "PS256": rsa_key,
        }[algorithm]()
        public = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
        public.pop("key_ops", None)
        issuer.keys = [{**public, "kid": KID}]
        issuer.sign = lambda claims: jwt.encode(claims, key, algorithm=algorithm, headers={"kid": KID})
        assert go_and_come_back(issuer, phone)[1].user.email == "mina@example.com"


class TestAProviderWithoutASecret:
    def test_is_a_public_client_that_the_verifier_protects(self, issuer, configure, phone):
        configure(secret="")
        issuer.answers["/.well-known/openid-configuration"] = lambda: {
            **issuer._discovery(),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        }
        go_and_come_back(issuer, phone)
        assert issuer.posted["client_id"] == CLIENT_ID
        assert "client_secret" not in issuer.posted


class TestTokens:
    def test_are_kept_only_where_the_provider_is_so_configured(self, issuer, configure, phone):
        go_and_come_back(issuer, phone)
        assert not ProviderToken.objects.exists()
        configure(store_tokens=True)
        issuer.token_answer = {"refresh_token": "a-refresh-token", "expires_in": 3600}
        go_and_come_back(issuer, phone)
        kept = ProviderToken.objects.get()
        assert (kept.access_token, kept.refresh_token) == ("an-access-token", "a-refresh-token")
        assert kept.expires_at is not None

    @pytest.mark.parametrize("lifetime", ["3600", None, -1, True, 10**30, 1.5])
    def test_with_an_odd_lifetime_do_no_harm(self, issuer, configure, phone, lifetime):
        configure(store_tokens=True)
        issuer.token_answer = {"expires_in": lifetime, "refresh_token": 7}
        go_and_come_back(issuer, phone)
        assert ProviderToken.objects.get().refresh_token == ""
