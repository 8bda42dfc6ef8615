import base64
import ipaddress
import json
import string

import pytest
from django.contrib.auth.hashers import make_password
from hypothesis import assume, given
from hypothesis import strategies as st

from security_events.masking import (
    REDACTED,
    is_secret_key,
    mask,
    mask_email,
    mask_mapping,
    mask_name,
    mask_names,
    mask_text,
    truncate_ip,
)

URL_SAFE = string.ascii_letters + string.digits + "-_"


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def url_safe(least, most=60):
    return st.text(URL_SAFE, min_size=least, max_size=most)


refresh_tokens = url_safe(55, 55).map("cdr_".__add__)
json_objects = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), min_size=1, max_size=3)
segments = json_objects.map(lambda value: b64(json.dumps(value, separators=(",", ":")).encode()))
headers = st.just(b64(b'{"alg":"RS256"}')) | segments.filter(lambda segment: segment.startswith("eyJ"))
signed = st.tuples(headers, segments, url_safe(20)).map(".".join)
encrypted = st.tuples(headers, url_safe(0), url_safe(10), url_safe(10), url_safe(10)).map(".".join)
salts = st.text(string.ascii_letters + string.digits + "./", min_size=53, max_size=53)
bcrypt_hashes = st.tuples(st.sampled_from(["", "bcrypt$", "bcrypt_sha256$"]), st.sampled_from("aby"), salts).map(
    lambda parts: f"{parts[0]}$2{parts[1]}$12${parts[2]}"
)
other_hashes = st.sampled_from(
    [
        "pbkdf2_sha256$1000000$saltsaltsalt$bm90IHJlYWxseSBhIGhhc2ggYXQgYWxs",
        "pbkdf2_sha1$1000$salt$bm90IHJlYWxseSBhIGhhc2g=",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
        "scrypt$16384$salt$8$1$aGFzaGhhc2hoYXNo",
    ]
)
private_keys = st.tuples(st.sampled_from(["", "RSA ", "EC ", "ENCRYPTED "]), url_safe(40), st.booleans()).map(
    lambda parts: (
        f"-----BEGIN {parts[0]}PRIVATE KEY-----\n{parts[1]}\n"
        + (f"-----END {parts[0]}PRIVATE KEY-----" if parts[2] else "")
    )
)
secrets = st.one_of(refresh_tokens, signed, encrypted, bcrypt_hashes, other_hashes, private_keys)
# What may surround a secret: anything at all, and what it is glued to in real life.
surroundings = st.text(max_size=20) | st.sampled_from(["token=", '"', "(", "x", "Bearer ", "://", "a@", ";", "\n", "_"])


def core(secret):
    """The part of a secret that must not survive: short pieces of it stand anywhere by chance."""
    longest = max(secret.replace("\n", ".").replace("$", ".").split("."), key=len)
    return longest[-16:] if secret.startswith("-----") else longest[:24]


# Names under which a number counts secrets, and names under which it may be one.
words = st.sampled_from(["", "mailed_", "removed_", "expired-", "former_"])
counting = st.sampled_from(
    [
        "tokens",
        "recovery_codes",
        "recovery_codes_left",
        "mailedtoken_count",
        "passwords",
        "api_keys",
        "mfa_codes",
        "otp_count",
        "Credentials",
        "session_keys",
    ],
)
telling = st.tuples(
    words, st.sampled_from(["password", "otp", "mfa_code", "recovery_code", "token", "api_key", "otp_number"])
).map("".join)


class TestMaskText:
    @given(secret=secrets, before=surroundings, after=surroundings)
    def test_leaves_no_secret_wherever_it_stands(self, secret, before, after):
        # Letters in front of a word of ours make another word of it; those of a token never do.
        assume(not secret.startswith(("pbkdf2", "argon2", "scrypt", "bcrypt")) or not before[-1:].isalnum())

        assert core(secret) not in mask_text(before + secret + " " + after)

    @given(
        local=st.text(string.ascii_letters + string.digits + "._+-äßñ", min_size=1, max_size=30),
        domain=st.sampled_from(["example.com", "mail.example.co.uk", "bücher.example"]),
        before=st.sampled_from(["", "to ", "<", "mailto:", "(", '"', "to=", "?e="]),
        after=st.sampled_from(["", " ", ">", ")", ", ", '"', ";"]),
    )
    def test_leaves_no_mail_address_whole(self, local, domain, before, after):
        masked = mask_text(before + local + "@" + domain + after)

        assert local + "@" not in masked
        assert "***@" + domain in masked

    @given(secret=secrets | st.emails(), before=surroundings, after=surroundings)
    def test_changes_nothing_a_second_time(self, secret, before, after):
        once = mask_text(before + secret + after)

        assert mask_text(once) == once

    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            ("Authorization: Bearer abc.DEF-123~+/==", "Authorization: [redacted]"),
            ("authorization: bearer abc", "authorization: [redacted]"),
            ("postgres://cedrina:p%40ss@127.0.0.1/db", "postgres://[redacted]@127.0.0.1/db"),
            ("redis://:s3cr3t@redis:6379/0", "redis://[redacted]@redis:6379/0"),
            ("smtp://joe:p@ss@mail.example.com", "smtp://[redacted]@mail.example.com"),
            ("https://d5f6a7@sentry.example/4", "https://[redacted]@sentry.example/4"),
        ],
    )
    def test_hides_credentials_in_headers_and_addresses(self, text, masked):
        assert mask_text(text) == masked

    def test_hides_a_hash_of_djangos(self):
        for hasher in ("default", "pbkdf2_sha256"):
            assert mask_text(make_password("hunter2", hasher=hasher)) == REDACTED

    @pytest.mark.parametrize(
        "text",
        [
            "GET /api/v1/auth/sessions/0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10 200",
            "https://example.com/a?b=c#d",
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "a bearer of bad news, cdr_short, eyJ is no token",
            "203.0.113.7",
            "",
            "abc",
        ],
    )
    def test_leaves_ordinary_text_alone(self, text):
        assert mask_text(text).replace("[redacted] bad", "bearer of bad") == text

    @pytest.mark.parametrize(
        "unit", ["a", "eyJ", "a@", "://", "cdr_", "bearer ", "-----BEGIN ", "://a@", "$2b$12$", "a."]
    )
    @pytest.mark.timeout(10)
    def test_reads_each_character_a_bounded_number_of_times(self, unit):
        mask_text(unit * (1_000_000 // len(unit)))


class TestMaskMapping:
    @given(
        secret=secrets,
        data=st.recursive(
            st.none(),
            lambda children: (
                st.lists(children, min_size=1, max_size=3)
                | st.dictionaries(st.text(max_size=5), children, min_size=1, max_size=3)
                | st.tuples(children)
            ),
            max_leaves=5,
        ),
    )
    def test_leaves_no_secret_at_any_depth_nor_in_a_key(self, secret, data):
        def planted(value):
            if value is None:
                return secret
            if isinstance(value, dict):
                return {key + " " + secret: planted(item) for key, item in value.items()}
            return type(value)(planted(item) for item in value)

        masked = mask_mapping({"outer": planted(data), secret: 1})

        assert core(secret) not in json.dumps(masked, ensure_ascii=False)
        assert mask_mapping(masked) == masked

    @given(value=st.text(min_size=1) | st.integers() | st.lists(st.integers()) | st.binary())
    @pytest.mark.parametrize(
        "key",
        [
            "password",
            "new_password",
            "PASSWORD",
            "client_secret",
            "refresh_token",
            "access-token",
            "Authorization",
            "Set-Cookie",
            "api_key",
            "API-Key",
            "private_key",
            "totp",
            "otp",
            "recovery_code",
            "X-CSRF-Token",
            "mfa_code",
        ],
    )
    def test_hides_a_value_whole_behind_a_telling_key(self, key, value):
        assert mask_mapping({key: value}) == {key: REDACTED}

    @given(prefix=words, suffix=counting, number=st.integers(min_value=0) | st.booleans())
    def test_shows_a_count_of_secrets(self, prefix, suffix, number):
        key = f"{prefix}{suffix}"
        assert mask_mapping({key: number}) == {key: number}

    @given(prefix=words, suffix=counting, secret=secrets | st.integers(min_value=0).map(str) | st.binary(min_size=1))
    def test_shows_nothing_else_under_the_name_of_a_count(self, prefix, suffix, secret):
        shown = mask_mapping({f"{prefix}{suffix}": secret, "outer": {f"{prefix}{suffix}": [secret, {"n": secret}]}})

        assert shown[f"{prefix}{suffix}"] == REDACTED
        assert shown["outer"] == {f"{prefix}{suffix}": REDACTED}

    @given(key=telling, number=st.integers())
    def test_hides_a_number_that_may_be_a_secret_itself(self, key, number):
        assert mask_mapping({key: number}) == {key: REDACTED}

    @given(key=telling, is_so=st.booleans())
    def test_shows_whether_there_is_a_secret(self, key, is_so):
        assert mask_mapping({key: is_so}) == {key: is_so}

    @pytest.mark.parametrize("key", ["password", "token"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_shows_that_a_secret_was_not_there(self, key, value):
        assert mask_mapping({key: value}) == {key: value}

    @pytest.mark.parametrize("key", ["token_type", "token_family", "session_id", "username", "reason", "status"])
    def test_keeps_harmless_keys(self, key):
        assert not is_secret_key(key)
        assert mask_mapping({key: "plain"}) == {key: "plain"}

    def test_keeps_numbers_and_their_like(self):
        assert mask({"a": 1, 2: [True, None, 1.5]}) == {"a": 1, 2: [True, None, 1.5]}

    def test_hides_bytes(self):
        assert mask({"digest": b"raw"}) == {"digest": REDACTED}


class TestMaskName:
    @pytest.mark.parametrize(
        ("name", "masked"),
        [
            ("", ""),
            ("ada", "ad***"),
            ("li", "l***"),
            ("a", "***"),
            ("ada@example.com", "a***@example.com"),
            ("a@b.c", "***@b.c"),
            ("@example.com", "***@example.com"),
            ('"ada l"@example.com', '"***@example.com'),
        ],
    )
    def test_keeps_enough_to_recognise_ones_own(self, name, masked):
        assert mask_name(name) == masked

    @given(st.emails())
    def test_treats_addresses_like_mask_email(self, address):
        assert mask_name(address) == mask_email(address)


class TestMaskNames:
    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            ("Mina's phone, MINA", "Mi***'s phone, MI***"),
            ("mina_k asked", "mi*** asked"),
            ("minaret, examina", "minaret, examina"),
            ("مینا، میناها", "می***، می***ها"),
            ("a plan", "a plan"),
        ],
    )
    def test_leaves_no_name_that_stands_for_itself(self, text, masked):
        assert mask_names(text, ["a", "mina_k", "Mina", "مینا"]) == masked

    @given(name=st.text(string.ascii_letters + "äé张م", min_size=2), around=st.text(string.punctuation + "0 \n"))
    def test_finds_any_name(self, name, around):
        assert mask_names(f"{around} {name} {around}", [name.upper()]) == f"{around} {mask_name(name)} {around}"


class TestTruncateIp:
    @given(st.ip_addresses(v=4).map(str))
    def test_keeps_three_bytes_of_ipv4(self, address):
        assert truncate_ip(address) == address.rpartition(".")[0] + ".0"

    @given(st.ip_addresses(v=6))
    def test_keeps_six_bytes_of_ipv6(self, address):
        assert int(ipaddress.ip_address(truncate_ip(str(address)))) == int(address) >> 80 << 80
