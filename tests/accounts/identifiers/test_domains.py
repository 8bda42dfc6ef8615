import json
import shutil
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.identifiers.domains import ascii_domain
from tests.accounts.address_pairs import ADDRESSES, table

VECTORS = table("idna_vectors.tsv")
# Both are of Unicode's tables: any character, and those of one block, that are likelier to make a domain.
TEXTS = st.text(max_size=300) | st.text(st.characters(max_codepoint=0x3000), max_size=80)
_NODE = "const u = require('url'); console.log(JSON.stringify(JSON.parse(process.argv[1]).map(u.domainToASCII)))"


class TestAsciiDomain:
    @pytest.mark.parametrize(
        ("text", "encoded"),
        [
            ("Example.COM", "example.com"),
            ("stra\u00dfe.de", "xn--strae-oqa.de"),
            ("localhost", "localhost"),
            ("\u03c2.gr", "xn--3xa.gr"),
            ("XN--STRAE-OQA.de", "xn--strae-oqa.de"),
            ("a--b.com", "a--b.com"),
            ("\u05d0\u05d1.com", "xn--4dbc.com"),
            ("1.com", "1.com"),
            ("\u017ftrasse.de", "strasse.de"),
        ],
    )
    def test_encodes_by_idna2008(self, text, encoded):
        assert ascii_domain(text) == encoded

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ".",
            "example.com.",
            "example.com\u3002",
            "-a.com",
            "a-.com",
            "ab--cd.com",
            "a_b.com",
            "xn--a.de",
            "xn---bbk.com",
            "\U0001f4a9.la",
            "1.\u05d0\u05d1.com",
            "a" * 64 + ".com",
            ".".join(["a" * 62] * 5),
            "STRA\u1e9eE.de",
            "a\u200db.com",
            "xn--mgba3gch31f060k.com",
            "\u0660" * 200,
            "\u00fc" * 60 + ".de",
        ],
    )
    def test_refuses_what_is_no_domain_by_it(self, text):
        assert ascii_domain(text) is None

    @given(TEXTS)
    def test_is_stable_plain_and_short(self, text):
        encoded = ascii_domain(text)
        assert encoded is None or (ascii_domain(encoded) == encoded and encoded.isascii() and len(encoded) <= 253)

    @given(TEXTS)
    def test_costs_little_whatever_is_sent(self, text):
        began = time.process_time()
        ascii_domain(text)
        assert time.process_time() - began < 0.5

    @pytest.mark.parametrize(
        "letter", ["\u0660", "\u06f0", "\u30fb", "\u0628\u200c", "a\u0316\u0301", "\u00fc.", "\u0640"]
    )
    @pytest.mark.attack("CWE-407")
    def test_does_not_take_longer_for_what_is_quadratic(self, letter):
        text = (letter * 253)[:253]
        began = time.process_time()
        for _ in range(20):
            ascii_domain(text)
        assert (time.process_time() - began) / 20 < 0.03


class TestOtherLibraries:
    def test_unicodes_own_vectors_are_never_contradicted(self):
        found = [(ascii_domain(text), encoded) for text, encoded in VECTORS]
        assert [(ours, theirs) for ours, theirs in found if ours not in (theirs, None)] == []
        # The others are symbols, joiners and dots at the end, which UTS #46 lets pass and we don't.
        assert sum(ours is not None for ours, _theirs in found) >= 300

    def test_node_encodes_what_we_accept_alike(self):
        node = shutil.which("node")
        if node is None:
            pytest.skip("Node.js is not installed: its encoder can't be asked.")
        domains = [address.rpartition("@")[2] for address in ADDRESSES]
        answer = subprocess.run([node, "-e", _NODE, json.dumps(domains)], capture_output=True, check=True, text=True)
        theirs = json.loads(answer.stdout)
        assert [ascii_domain(domain) for domain in domains] == theirs
        assert any(domain.encode("idna").decode() != found for domain, found in zip(domains, theirs, strict=True))
