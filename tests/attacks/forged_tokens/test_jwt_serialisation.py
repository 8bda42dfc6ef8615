"""One token has one spelling."""

import json
import string

import pytest

from tests.attacks.forged_tokens.forgery import b64, compact, unb64

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def twin(segment):
    """The same bytes in another spelling, by the bits of the last character that stand for nothing."""
    spare = {2: 0b1111, 3: 0b11}.get(len(segment) % 4, 0)
    index = ALPHABET.index(segment[-1])
    other = segment[:-1] + ALPHABET[index ^ 1]
    return other if spare and index & spare == 0 and unb64(other) == unb64(segment) else None


@pytest.mark.attack("RFC 7515, 2 and RFC 4648, 3.5")
class TestOtherSpellings:
    @pytest.mark.parametrize("segment", [0, 1, 2])
    @pytest.mark.parametrize(
        "spell",
        [
            lambda text: text + "=",
            lambda text: text + "==",
            lambda text: text + "=" * (-len(text) % 4 or 4),
            lambda text: text.replace("-", "+").replace("_", "/") + "+",
            lambda text: text[:10] + "\n" + text[10:],
            lambda text: text[:10] + " " + text[10:],
            lambda text: text[:10] + "\t" + text[10:],
            lambda text: text + "\x0b",
            lambda text: text + "\x85",
            lambda text: text + "\u00a0",
            lambda text: "\x0b" + text,
            lambda text: text[:10] + "!" + text[10:],
            lambda text: text[:10] + "\u00a0" + text[10:],
            lambda text: text + "\0",
            lambda text: text + "%3D",
            lambda text: text[:-1],
            lambda text: text + "A",
            lambda text: text + "AAAA",
        ],
    )
    def test_are_refused(self, mint, refused, segment, spell):
        parts = mint.genuine.split(".")
        parts[segment] = spell(parts[segment])
        refused(".".join(parts))

    def test_are_refused_with_the_other_alphabet(self, mint, refused):
        padded = 0
        while not set("-_") & set(mint.genuine):
            padded += 1
            mint.genuine = mint.claims(jti="x" * padded)
        for old, new in (("-", "+"), ("_", "/")):
            if old in mint.genuine:
                refused(mint.genuine.replace(old, new))

    def test_are_refused_with_spare_bits(self, mint, refused, accepted):
        found = 0
        for length in range(1, 40):
            token = mint.claims(jti="x" * length)
            parts = token.split(".")
            for segment in range(3):
                if other := twin(parts[segment]):
                    found += 1
                    if found <= 6:
                        refused(".".join([*parts[:segment], other, *parts[segment + 1 :]]))
        assert found >= 6
        accepted(mint.claims(jti="x"))


@pytest.mark.attack("RFC 7515, 7.2 and RFC 7516")
class TestOtherSerialisations:
    def test_are_refused_as_json(self, mint, refused):
        header, payload, signature = mint.genuine.split(".")
        flat = {"protected": header, "payload": payload, "signature": signature}
        general = {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
        for document in (flat, general):
            refused(json.dumps(document, separators=(",", ":")))

    @pytest.mark.parametrize("algorithm", ["RSA-OAEP", "dir", "RSA1_5", "PBES2-HS256+A128KW"])
    def test_are_refused_as_encrypted_tokens(self, mint, refused, algorithm):
        header = b64(compact({**mint.header, "alg": algorithm, "enc": "A256GCM", "cty": "JWT", "p2c": 2**31}))
        refused(f"{header}.{b64(b'k' * 256)}.{b64(b'i' * 12)}.{b64(mint.genuine.encode())}.{b64(b't' * 16)}")
        refused(f"{header}....")

    @pytest.mark.parametrize("levels", [1, 2])
    def test_are_refused_nested(self, mint, refused, levels):
        token = mint.genuine
        for _ in range(levels):
            token = mint.sign(header={**mint.header, "cty": "JWT"}, payload=token.encode())
        refused(token)
        refused(mint.sign(payload=mint.genuine.encode()))

    def test_are_refused_detached(self, mint, refused):
        header, _payload, signature = mint.genuine.split(".")
        refused(f"{header}..{signature}")

    @pytest.mark.parametrize(
        "token",
        [".", "..", "...", "....", "a", "a.b", "a.b.c", "a.b.c.d", "\x7f", "é.é.é", "null", "undefined", "A" * 5000],
    )
    def test_are_refused_as_junk(self, refused, token):
        refused(token)

    @pytest.mark.parametrize("raw", [b"\xff\xfe.\xff.\xff", b"\xc0\x80", b"\xed\xa0\x80"])
    def test_are_refused_as_bytes_that_are_no_text(self, refused, raw):
        refused(raw)

    @pytest.mark.parametrize("size", [4097, 10_000, 1_000_000])
    def test_are_refused_when_too_long(self, mint, refused, size):
        refused(mint.claims(padding="x" * size))


@pytest.mark.attack("RFC 8725, 3.3")
class TestTamperedPayload:
    def test_is_refused_for_any_other_claim(self, mint, refused):
        header, _payload, signature = mint.genuine.split(".")
        for changes in ({"sub": "1"}, {"roles": ["admin"]}, {"exp": mint.payload["exp"] + 10**6}, {"sid": "x"}):
            refused(f"{header}.{b64(compact({**mint.payload, **changes}))}.{signature}")

    def test_is_refused_for_any_flipped_bit(self, mint, refused):
        raw = bytearray(unb64(mint.signature))
        header, payload, _ = mint.genuine.split(".")
        for position in (0, len(raw) // 2, len(raw) - 1):
            changed = bytearray(raw)
            changed[position] ^= 1
            refused(f"{header}.{payload}.{b64(bytes(changed))}")

    def test_is_refused_with_the_signature_of_another_token(self, mint, refused):
        other = mint.claims(jti="another")
        refused(f"{mint.genuine.rpartition('.')[0]}.{other.rpartition('.')[2]}")
