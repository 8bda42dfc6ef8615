"""Who is calling, over proxies that are trusted and headers that anybody can write."""

from ipaddress import ip_address, ip_network

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from hypothesis import example, given
from hypothesis import strategies as st

from ratelimiting.client_addresses.networks import normalise
from ratelimiting.client_addresses.resolution import _resolved, client_from_environ, client_ip, client_ip_from_environ

PROXY = "10.0.0.1"
TRUSTED = ["10.0.0.0/8", "fd00::/8"]
addresses = st.ip_addresses().map(str)
junk = st.text(max_size=80)
chains = st.lists(st.one_of(addresses, junk), max_size=40).map(",".join)


@pytest.fixture(scope="class")
def _trusting():
    with override_settings(RATELIMITING={"TRUSTED_PROXIES": TRUSTED}):
        yield


class TestWithoutTrustedProxies:
    @given(forwarded=junk, x_forwarded_for=chains, peer=addresses)
    def test_ignores_every_header(self, forwarded, x_forwarded_for, peer):
        headers = {"forwarded": forwarded, "x-forwarded-for": x_forwarded_for}
        assert client_ip(headers, peer) == client_ip({}, peer)

    def test_is_none_without_a_peer(self):
        assert client_ip({}, None) is None
        assert client_ip({}, "") is None

    def test_reads_a_wsgi_environ(self):
        assert client_ip_from_environ({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "192.0.2.9"}) == "192.0.2.1"


@pytest.mark.usefixtures("_trusting")
class TestOverTrustedProxies:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("203.0.113.5, 192.0.2.7", "192.0.2.7"),
            ("203.0.113.5, 192.0.2.7, 10.1.1.1", "192.0.2.7"),
            ("203.0.113.5,10.2.2.2 , 10.1.1.1", "203.0.113.5"),
            ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
            ("192.0.2.7:51234", "192.0.2.7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("2001:DB8:0:0::7", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("192.0.2.9, ::ffff:10.3.3.3", "192.0.2.9"),
            ("192.0.2.7, unknown", PROXY),
            ("192.0.2.7, , 10.1.1.1", "10.1.1.1"),
            ("192.0.2.7, 999.1.1.1", PROXY),
            ("", PROXY),
        ],
    )
    def test_takes_the_first_from_the_right_that_is_not_trusted(self, header, expected):
        assert client_ip({"x-forwarded-for": header}, PROXY) == expected

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("for=192.0.2.7", "192.0.2.7"),
            ('For="[2001:db8::7]:4711";proto=https', "2001:db8::7"),
            ("for=203.0.113.5, for=192.0.2.7;by=10.1.1.1, for=10.1.1.1", "192.0.2.7"),
            ('by="a,b;for=203.0.113.5";for=192.0.2.7', "192.0.2.7"),
            ("for=192.0.2.7, for=_hidden", PROXY),
            ("for=192.0.2.7, for=unknown", PROXY),
            ("for=192.0.2.7, proto=https", PROXY),
        ],
    )
    def test_reads_forwarded(self, header, expected, settings):
        """RFC 7239, 4 and 6."""
        settings.RATELIMITING = {"TRUSTED_PROXIES": TRUSTED, "TRUSTED_PROXY_HEADER": "forwarded"}
        assert client_ip({"forwarded": header}, PROXY) == expected

    def test_believes_neither_header_when_they_disagree(self, settings):
        settings.RATELIMITING = {"TRUSTED_PROXIES": TRUSTED, "TRUSTED_PROXY_HEADER": "both"}
        headers = {"forwarded": "for=192.0.2.7", "x-forwarded-for": "192.0.2.8"}
        assert client_ip(headers, PROXY) == PROXY

    def test_believes_both_when_they_agree(self, settings):
        settings.RATELIMITING = {"TRUSTED_PROXIES": TRUSTED, "TRUSTED_PROXY_HEADER": "both"}
        headers = {"forwarded": "for=192.0.2.7", "x-forwarded-for": "203.0.113.9, 192.0.2.7"}
        assert client_ip(headers, PROXY) == "192.0.2.7"

    def test_ignores_headers_from_an_untrusted_peer(self):
        assert client_ip({"x-forwarded-for": "192.0.2.7"}, "198.51.100.1") == "198.51.100.1"

    @given(prefix=chains, client=addresses.filter(lambda text: not _is_trusted(text)))
    @example(prefix="1.1.1.1," * 5000, client="192.0.2.7")
    def test_cannot_be_led_astray_by_what_the_client_wrote(self, prefix, client):
        """Whatever a client sends, its proxy appends the client's own address, and that is found."""
        assert client_ip({"x-forwarded-for": f"{prefix},{client}"}, PROXY) == normalise(client)

    @given(header=st.one_of(junk, chains), peer=st.one_of(addresses, junk))
    def test_gives_an_address_or_nothing_for_any_junk(self, header, peer):
        for name in ("forwarded", "x-forwarded-for"):
            found = client_ip({name: header}, peer)
            assert found is None or str(ip_address(found)) == found


class TestWhatIsRemembered:
    def test_is_not_what_a_stranger_could_fill_the_memory_with(self):
        before = _resolved.cache_info().currsize
        for number in range(10):
            client_from_environ({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": f"{number}" * 8000})
        assert _resolved.cache_info().currsize == before


class TestNormalise:
    @given(junk)
    def test_never_fails(self, text):
        found = normalise(text)
        assert found is None or normalise(found) == found

    def test_refuses_what_only_looks_like_an_address(self):
        for text in ("1.2.3", "[::1", "1.2.3.4:port", "::1]", "1.2.3.4:123456", "0x7f000001", "a" * 500):
            assert normalise(text) is None, text


class TestChecks:
    def test_names_unknown_settings_and_false_networks(self, settings):
        settings.RATELIMITING = {
            "TRUSTED_PROXIES": ["10.0.0.0/40"],
            "PROXIES": [],
            "TRUSTED_PROXY_HEADER": "x-real-ip",
        }
        found = {problem.id for problem in run_checks() if problem.id.startswith("ratelimiting")}
        assert found == {"ratelimiting.E001", "ratelimiting.E002", "ratelimiting.E007"}


def _is_trusted(text):
    address = ip_address(normalise(text))
    return any(address in ip_network(network) for network in TRUSTED if ip_network(network).version == address.version)
