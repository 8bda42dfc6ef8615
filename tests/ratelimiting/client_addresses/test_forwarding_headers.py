"""Forwarding headers are read from the right, by RFC 7239, whatever a client put before what its proxies wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimiting.client_addresses import forwarding_headers
from ratelimiting.client_addresses.forwarding_headers import (
    LONGEST_CHAIN,
    LONGEST_HEADER,
    addresses_from_right,
    forwarded,
    x_forwarded_for,
)
from ratelimiting.client_addresses.resolution import HeaderFinding, client_from_environ

PROXY, CLIENT = "10.0.0.1", "192.0.2.7"
# RFC 7239, 4 and 7.1: every example in the text.
EXAMPLES = {
    'for="_gazonk"': ["_gazonk"],
    'For="[2001:db8:cafe::17]:4711"': ["[2001:db8:cafe::17]:4711"],
    "for=192.0.2.60;proto=http;by=203.0.113.43": ["192.0.2.60"],
    "for=192.0.2.43, for=198.51.100.17": ["198.51.100.17", "192.0.2.43"],
    "for=_hidden, for=_SEVKISEK": ["_SEVKISEK", "_hidden"],
    'for=192.0.2.43, for="[2001:db8:cafe::17]"': ["[2001:db8:cafe::17]", "192.0.2.43"],
    'for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown': ["unknown", "[2001:db8:cafe::17]", "192.0.2.43"],
    "for=192.0.2.43,for=198.51.100.17;by=203.0.113.60;proto=http;host=example.com": ["198.51.100.17", "192.0.2.43"],
}
tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+-^_`|~", min_size=1, max_size=12)
quoted = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
values = st.one_of(tokens, quoted.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'))
nodes = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda address: f'"[{address}]:4711"'))


def as_written(node):
    return node.strip('"')


@st.composite
def elements(draw):
    """A well-formed element, and the node that it is for."""
    node = draw(nodes)
    others = draw(st.lists(st.tuples(tokens.filter(lambda name: name.lower() != "for"), values), max_size=3))
    pairs = [f"{name}={value}" for name, value in others]
    pairs.insert(draw(st.integers(0, len(pairs))), f"for={node}")
    return ";".join(pairs), as_written(node)


class TestForwarded:
    @pytest.mark.parametrize(("header", "expected"), EXAMPLES.items())
    def test_reads_the_examples_of_the_standard(self, header, expected):
        assert list(forwarded(header)) == expected

    @given(chain=st.lists(elements(), min_size=1, max_size=5), blank=st.sampled_from([",", ", ", " ,\t"]))
    def test_reads_whatever_is_well_formed(self, chain, blank):
        header = blank.join(element for element, _ in chain)
        assert list(forwarded(header)) == [node for _, node in reversed(chain)]

    @given(before=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60), last=elements())
    def test_finds_what_the_nearest_proxy_wrote_after_anything(self, before, last):
        element, node = last
        assert next(iter(forwarded(f"{before}, {element}"))) == node

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("", [""]),
            (",", ["", ""]),
            ("for", [""]),
            ("for=", [""]),
            ('for="', [""]),
            ('for="a', [""]),
            ('for=a"', [""]),
            ('for="192\\.0.2.7"', ["192.0.2.7"]),
            ('for="a\\\\b"', ["a\\b"]),
            ("proto=http;FOR=a", ["a"]),
            ('for="a\\"b,c"', ['a"b,c']),
            (";;for=a;", ["a"]),
            ("for=a;for=b", ["a"]),
            (" for = a ", ["a"]),
            ("for=192.0.2.7:_port", ["192.0.2.7"]),
            ('for="[::1]:_p"', ["[::1]"]),
            ("for=_a:_b", ["_a:_b"]),
        ],
    )
    def test_gives_something_for_what_is_not(self, header, expected):
        assert list(forwarded(header)) == expected


class TestHops:
    def test_are_the_last_ones_of_a_long_chain(self):
        assert addresses_from_right("1," * 40 + "2", x_forwarded_for) == (["2", *["1"] * (LONGEST_CHAIN - 1)], True)

    def test_begin_with_a_whole_element_where_a_header_is_cut(self):
        header = "9" * 500 + "," + "8" * 600 + "," + "7" * 500
        assert addresses_from_right(header, x_forwarded_for) == (["7" * 500], True)
        assert addresses_from_right("6" * (LONGEST_HEADER + 1), x_forwarded_for) == ([], True)
        assert addresses_from_right("6" * LONGEST_HEADER, x_forwarded_for) == (["6" * LONGEST_HEADER], False)


@pytest.mark.attack("RFC 7239, 8.1")
class TestAClientBehindAProxy:
    """It writes what it likes; its proxy appends the address it comes from, and that is the one that counts."""

    @pytest.mark.parametrize(
        "before",
        [
            'for="',
            "for=203.0.113.5",
            'for="\\',
            "," * 3000,
            'for="a,' * 3000,
            '"' * 1001,
            "\\" * 999,
            "for=10.0.0.9," * 900,
            "x" * 70_000,
            ";for=203.0.113.5;" * 900,
        ],
    )
    @pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for"])
    def test_chooses_no_address(self, before, name, settings):
        settings.RATELIMITING = {
            **settings.RATELIMITING,
            "TRUSTED_PROXIES": ["10.0.0.0/8"],
            "TRUSTED_PROXY_HEADER": name,
        }
        written = {"forwarded": f"for={CLIENT};proto=https", "x-forwarded-for": CLIENT}[name]
        key = f"HTTP_{name.upper().replace('-', '_')}"
        assert client_from_environ({"REMOTE_ADDR": PROXY, key: f"{before}, {written}"}).address == CLIENT

    def test_that_writes_the_header_which_does_not_count_is_noticed_without_reading_it(self, settings, monkeypatch):
        def read(_text):
            raise AssertionError("it was read")

        monkeypatch.setattr(forwarding_headers, "forwarded", read)
        settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": ["10.0.0.0/8"]}
        environ = {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": CLIENT}
        lying, agreeing = (
            client_from_environ({**environ, "HTTP_FORWARDED": header})
            for header in ("for=203.0.113.5," * 2000, f"for=203.0.113.5, for={CLIENT}")
        )
        assert (lying.address, lying.findings) == (CLIENT, (HeaderFinding.CONTRADICTION,))
        assert (agreeing.address, agreeing.findings) == (CLIENT, ())
