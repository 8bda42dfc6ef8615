import base64
import hashlib

import pytest
from django.contrib.auth.hashers import check_password

from accounts.importing import hashes
from accounts.importing.hashers import recompute, wrap
from accounts.importing.hashes import StorableHash, WeakHash
from accounts.importing.refusals import RowRefused
from tests.accounts.importing.foreign import SALT, argon2_hash, b64, bare, bcrypt_hash, phc_pbkdf2

KEY = bytes(32)
BCRYPT_TAIL = "." * 53


def stored(judged, rounds=4):
    """Return what would stand in the database."""
    if isinstance(judged, WeakHash):
        return wrap(inner=judged.inner, weak=judged.digest, rounds=rounds)
    return judged.encoded


class TestVectorsOfOthers:
    """Literal values from standards and from the systems' own tests."""

    @pytest.mark.parametrize(
        ("judge", "text", "password"),
        [
            # jBCrypt's own tests
            (hashes.assess_bcrypt, "$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi", "abc"),
            (hashes.assess_bcrypt, "$2a$10$k87L/MF28Q673VKh8/cPi.SUl7MU/rWuSiIDDFayrKk/1tBsSQu4u", "a"),
            # Openwall's crypt_blowfish
            (hashes.assess_bcrypt, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
            # The reference implementation of argon2
            (
                hashes.assess_phc,
                "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "password",
            ),
            # RFC 1321, A.5
            (hashes.assess_django, "c3fcd3d76192e4007dfb496cca67e13b", "abcdefghijklmnopqrstuvwxyz"),
            # RFC 2307 names the scheme; the value is FIPS 180's for "abc"
            (
                hashes.assess_phc,
                "{SHA}" + base64.b64encode(bytes.fromhex("a9993e364706816aba3e25717850c26c9cd0d89d")).decode(),
                "abc",
            ),
        ],
    )
    def test_fit_their_passwords_and_no_others(self, judge, text, password):
        encoded = stored(judge(text))

        assert check_password(password, encoded)
        assert not check_password(password + "x", encoded)

    @pytest.mark.parametrize(
        ("iterations", "key"),
        [
            (1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (4096, "4b007901b765489abead49d926f721d065a429c1"),
        ],
    )
    def test_of_rfc_6070_fit(self, iterations, key):
        judged = hashes.assess_pbkdf2(digest="sha1", iterations=iterations, salt=b"salt", key=bytes.fromhex(key))

        assert check_password("password", stored(judged))
        assert not check_password("passwore", stored(judged))


class TestBounds:
    @pytest.mark.parametrize(
        ("judge", "text"),
        [
            (hashes.assess_bcrypt, "$2b$16$" + BCRYPT_TAIL),
            (hashes.assess_bcrypt, "$2b$31$" + BCRYPT_TAIL),
            (hashes.assess_bcrypt, "$2b$03$" + BCRYPT_TAIL),
            (hashes.assess_bcrypt, "$2b$99$" + BCRYPT_TAIL),
            (hashes.assess_django, "bcrypt_sha256$$2b$20$" + BCRYPT_TAIL),
            (hashes.assess_django, f"pbkdf2_sha256$2000001$salt${b64(KEY)}"),
            (hashes.assess_django, f"pbkdf2_sha256$0$salt${b64(KEY)}"),
            (hashes.assess_django, f"pbkdf2_sha1$999999999999$salt${b64(KEY)}"),
            (hashes.assess_phc, f"$pbkdf2-sha512$i=4000000000,l=64${b64(SALT, padded=False)}${b64(KEY, padded=False)}"),
            (hashes.assess_argon2, "$argon2id$v=19$m=4194304,t=3,p=4$c29tZXNhbHQ$" + b64(KEY, padded=False)),
            (hashes.assess_argon2, "$argon2id$v=19$m=65536,t=99999,p=4$c29tZXNhbHQ$" + b64(KEY, padded=False)),
            (hashes.assess_argon2, "$argon2id$v=19$m=65536,t=3,p=255$c29tZXNhbHQ$" + b64(KEY, padded=False)),
            (hashes.assess_argon2, "$argon2id$v=19$m=262144,t=20,p=1$c29tZXNhbHQ$" + b64(KEY, padded=False)),
            (hashes.assess_argon2, "$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$" + b64(KEY, padded=False)),
            (hashes.assess_django, f"scrypt$1048576$salt$8$1${b64(bytes(64))}"),
            (hashes.assess_django, f"scrypt$16384$salt$8$9999${b64(bytes(64))}"),
            (hashes.assess_django, f"scrypt$16383$salt$8$1${b64(bytes(64))}"),
        ],
    )
    def test_refuse_hostile_costs(self, judge, text):
        with pytest.raises(RowRefused) as refused:
            judge(text)

        assert refused.value.reason == "hash_cost_refused"

    @pytest.mark.parametrize(
        ("judge", "text"),
        [
            (hashes.assess_bcrypt, "$2b$12$short"),
            (hashes.assess_bcrypt, "$2x$12$" + BCRYPT_TAIL),
            (hashes.assess_bcrypt, "$2b$12$" + BCRYPT_TAIL + "\n"),
            (hashes.assess_bcrypt, "plain text password"),
            (hashes.assess_django, "pbkdf2_sha256$20000$$" + b64(KEY)),
            (hashes.assess_django, f"pbkdf2_sha256$20000${'s' * 65}${b64(KEY)}"),
            (hashes.assess_django, f"pbkdf2_sha256$20000$salt${b64(bytes(8))}"),
            (hashes.assess_django, f"pbkdf2_sha256$20000$salt${b64(bytes(4000))}"),
            (hashes.assess_django, "pbkdf2_sha256$-1$salt$" + b64(KEY)),
            (hashes.assess_django, "pbkdf2_sha256$٣$salt$" + b64(KEY)),
            (hashes.assess_django, "md5$salt$00"),
            (hashes.assess_django, "sha1$" + "s" * 65 + "$" + "00" * 20),
            (hashes.assess_argon2, "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$" + b64(KEY, padded=False)),
            (hashes.assess_argon2, "$argon2id$v=20$m=65536,t=3,p=4$c29tZXNhbHQ$" + b64(KEY, padded=False)),
            (hashes.assess_phc, "{SSHA}not base64!"),
            (hashes.assess_phc, "whatever"),
            (hashes.assess_phc, "$pbkdf2-sha512$i=30000,l=64$!!$!!"),
        ],
    )
    def test_refuse_what_can_not_be_read(self, judge, text):
        with pytest.raises(RowRefused) as refused:
            judge(text)

        assert refused.value.reason == "hash_unreadable"

    @pytest.mark.parametrize(
        ("judge", "text"),
        [
            (hashes.assess_django, "crypt$$ab1234567890"),
            (hashes.assess_django, "password in clear"),
            (hashes.assess_django, ""),
            (hashes.assess_phc, "{CRYPT}ab1234567890"),
        ],
    )
    def test_refuse_kinds_that_are_not_known(self, judge, text):
        with pytest.raises(RowRefused) as refused:
            judge(text)

        assert refused.value.reason == "hash_unsupported"

    @pytest.mark.parametrize(
        ("judged", "kind"),
        [
            (lambda: hashes.assess_bcrypt("$2b$15$" + BCRYPT_TAIL), StorableHash),
            (lambda: hashes.assess_bcrypt("$2b$10$" + BCRYPT_TAIL), StorableHash),
            (lambda: hashes.assess_bcrypt("$2b$09$" + BCRYPT_TAIL), WeakHash),
            (lambda: hashes.assess_pbkdf2(digest="sha256", iterations=20_000, salt=SALT, key=KEY), StorableHash),
            (lambda: hashes.assess_pbkdf2(digest="sha256", iterations=19_999, salt=SALT, key=KEY), WeakHash),
            (lambda: hashes.assess_pbkdf2(digest="sha256", iterations=2_000_000, salt=SALT, key=KEY), StorableHash),
            (lambda: hashes.assess_argon2(argon2_hash(16384, 1)), StorableHash),
            (lambda: hashes.assess_argon2(argon2_hash(8192, 1)), WeakHash),
            (lambda: hashes.assess_scrypt(n=2**14, r=8, p=1, salt=b"salt", key=bytes(64)), StorableHash),
            (lambda: hashes.assess_scrypt(n=2**14, r=8, p=1, salt=b"\xff$", key=bytes(64)), WeakHash),
            (lambda: hashes.assess_scrypt(n=2**10, r=8, p=1, salt=b"salt", key=bytes(64)), WeakHash),
        ],
    )
    def test_keep_hashes_of_the_current_cost_and_wrap_cheaper_ones(self, judged, kind):
        assert isinstance(judged(), kind)


class TestWhatIsStored:
    @pytest.mark.parametrize(
        "judged",
        [
            lambda: hashes.assess_pbkdf2(digest="sha512", iterations=2_000_000, salt=bytes(64), key=bytes(64)),
            lambda: hashes.assess_pbkdf2(digest="sha512", iterations=10_000, salt=bytes(64), key=bytes(64)),
            lambda: hashes.assess_argon2(
                "$argon2id$v=19$m=262144,t=8,p=16$" + b64(bytes(64), padded=False) + "$" + b64(bytes(64), padded=False)
            ),
            lambda: hashes.assess_argon2(
                "$argon2id$v=19$m=15000,t=1,p=16$" + b64(bytes(64), padded=False) + "$" + b64(bytes(64), padded=False)
            ),
            lambda: hashes.assess_digest("sha512", bytes(64), prefix=bytes(64), suffix=bytes(64)),
            lambda: hashes.assess_scrypt(n=2**10, r=8, p=16, salt=bytes(64), key=bytes(64)),
        ],
    )
    def test_fits_the_column(self, judged):
        assert len(stored(judged())) <= 255

    def test_holds_nothing_of_a_weak_hash(self):
        weak = bytes.fromhex(bare("md5", b"saltsecret"))
        encoded = stored(hashes.assess_django(f"md5$salt${weak.hex()}"))

        for form in (weak.hex(), b64(weak), hashlib.sha256(weak).hexdigest(), b64(hashlib.sha256(weak).digest())):
            assert form not in encoded

    def test_of_a_weak_hash_is_salted_anew(self):
        weak = hashes.assess_django(bare("md5", b"secret"))

        assert stored(weak) != stored(weak)

    def test_recomputes_the_weak_hash_from_the_password(self):
        weak = hashes.assess_bcrypt(bcrypt_hash(4))

        assert recompute(weak.inner, "violet harbour drum kite") == weak.digest
        assert recompute(weak.inner, "another") != weak.digest

    def test_never_shows_in_a_repr(self):
        judged = hashes.assess_phc(phc_pbkdf2())
        weak = hashes.assess_django(bare("md5", b"secret"))

        assert judged.encoded not in repr(judged)
        assert weak.digest.hex() not in repr(weak)
        assert repr(weak.digest) not in repr(weak)
