from datetime import UTC, datetime, timedelta

import pytest

from accounts.importing.formats import FORMATS, parse_row
from accounts.importing.hashes import StorableHash, WeakHash
from accounts.importing.parsed_users import ImportPolicy
from accounts.importing.refusals import REASONS, RowRefused
from tests.accounts.importing.foreign import KINDS, auth0, bcrypt_hash, keycloak

BCRYPT = bcrypt_hash()
EMAIL = {"email": "mina@example.com"}


@pytest.fixture
def read(now):
    def person(name, row, **policy):
        return parse_row(name, {**EMAIL, **row}, policy=ImportPolicy(**policy), now=now)

    return person


@pytest.fixture
def refused(read):
    def reason(name, row, **policy):
        with pytest.raises(RowRefused) as found:
            read(name, row, **policy)
        assert found.value.reason in REASONS
        return found.value.reason

    return reason


class TestAPassword:
    @pytest.mark.parametrize("kind", KINDS)
    def test_is_kept_or_found_weak(self, read, kind):
        name, members, is_weak = KINDS[kind]()

        assert isinstance(read(name, members).password, WeakHash if is_weak else StorableHash)

    @pytest.mark.parametrize(
        ("name", "members"),
        [
            ("django", {"password": ""}),
            ("django", {"password": "!unusable"}),
            ("django", {}),
            ("supabase", {"encrypted_password": ""}),
            ("keycloak", {"credentials": []}),
            ("keycloak", {}),
            ("keycloak", {"credentials": [{"type": "otp"}]}),
            ("auth0", {}),
        ],
    )
    def test_may_be_none(self, read, name, members):
        assert read(name, members).password is None

    @pytest.mark.parametrize(
        ("name", "members", "reason"),
        [
            ("django", {"password": 5}, "hash_unreadable"),
            ("keycloak", {"credentials": "x"}, "value_invalid"),
            (
                "keycloak",
                keycloak({"algorithm": "pbkdf2-sha256"}, {"value": "AA==", "salt": "AA=="}),
                "hash_unreadable",
            ),
            ("keycloak", keycloak({"algorithm": "rot13", "hashIterations": 1}, {}), "hash_unsupported"),
            (
                "keycloak",
                {"credentials": [{"type": "password", "credentialData": "{", "secretData": ""}]},
                "value_invalid",
            ),
            (
                "keycloak",
                keycloak({"algorithm": "argon2", "hashIterations": 5}, {"value": "x", "salt": "y"}),
                "hash_unreadable",
            ),
            ("keycloak", keycloak({"algorithm": "pbkdf2", "hashIterations": True}, {}), "hash_unreadable"),
            ("auth0", auth0("hmac", {"value": "00"}), "hash_unsupported"),
            ("auth0", auth0("md5", {"value": "zz"}), "hash_unreadable"),
            ("auth0", auth0("md5", {"value": "00", "encoding": "latin1"}), "hash_unsupported"),
            ("auth0", auth0("bcrypt", {"value": BCRYPT}, password={"encoding": "utf16le"}), "hash_unsupported"),
            ("auth0", {"custom_password_hash": "x"}, "value_invalid"),
            ("auth0", auth0("scrypt", {"value": "00"}, cost="16384"), "hash_unreadable"),
        ],
    )
    def test_that_can_not_be_read_is_refused(self, refused, name, members, reason):
        assert refused(name, members) == reason


class TestAPerson:
    def test_comes_from_django(self, read):
        person = read(
            "django",
            {
                "id": "7",
                "username": "mina",
                "password": "",
                "first_name": "Mina",
                "last_name": "Karimi",
                "is_active": "f",
                "is_superuser": "true",
                "is_staff": "true",
                "date_joined": "2020-02-03 04:05:06.789+00",
            },
        )

        assert (person.username, person.full_name, person.external_id) == ("mina", "Mina Karimi", "7")
        assert not person.is_active
        assert person.created_at == datetime(2020, 2, 3, 4, 5, 6, 789000, UTC)
        assert person.email_confirmed_at is None
        assert not hasattr(person, "is_superuser")

    def test_comes_from_keycloak(self, read, now):
        person = read(
            "keycloak",
            {
                "id": "0b1",
                "username": "mina@example.com",
                "firstName": "Mina",
                "lastName": "Karimi",
                "emailVerified": True,
                "enabled": False,
                "createdTimestamp": 1580702706000,
                "attributes": {"locale": ["fa"]},
                "realmRoles": ["admin"],
            },
        )

        assert (person.username, person.is_username_derived) == ("mina", True)
        assert (person.full_name, person.locale, person.external_id) == ("Mina Karimi", "fa", "0b1")
        assert person.email_confirmed_at == now
        assert not person.is_active
        assert person.created_at == datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)

    def test_comes_from_supabase(self, read):
        person = read(
            "supabase",
            {
                "id": "5f0e",
                "encrypted_password": BCRYPT,
                "email_confirmed_at": "2023-01-02 03:04:05+00",
                "raw_user_meta_data": '{"full_name": "Mina Karimi", "preferred_username": "minak"}',
                "banned_until": "",
                "deleted_at": "",
                "created_at": "2023-01-01T00:00:00Z",
            },
        )

        assert (person.username, person.full_name, person.external_id) == ("minak", "Mina Karimi", "5f0e")
        assert person.email_confirmed_at == datetime(2023, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert person.is_active

    @pytest.mark.parametrize(
        ("banned_until", "is_active"),
        [("infinity", False), ("2126-01-01 00:00:00+00", False), ("2020-01-01 00:00:00+00", True)],
    )
    def test_banned_by_supabase_is_closed(self, read, banned_until, is_active):
        assert read("supabase", {"banned_until": banned_until}).is_active == is_active

    def test_deleted_by_supabase_is_refused(self, refused):
        assert refused("supabase", {"deleted_at": "2023-01-02 03:04:05+00"}) == "deleted_there"

    def test_comes_from_auth0(self, read, now):
        person = read(
            "auth0",
            {
                "_id": {"$oid": "60425da93519d90068f82966"},
                "email_verified": True,
                "passwordHash": BCRYPT,
                "name": "mina@example.com",
                "blocked": True,
                "created_at": {"$date": "2021-03-05T16:34:49.502Z"},
                "tenant": "dev",
                "connection": "Username-Password-Authentication",
                "_tmp_is_unique": True,
            },
        )

        assert (person.external_id, person.full_name) == ("60425da93519d90068f82966", "")
        assert person.email_confirmed_at == now
        assert not person.is_active
        assert person.created_at == datetime(2021, 3, 5, 16, 34, 49, 502000, UTC)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ({"email": ""}, "email_invalid"),
            ({"email": None}, "email_invalid"),
            ({"email": "Mina <mina@example.com>"}, "email_invalid"),
            ({"email": "a@b@c"}, "email_invalid"),
            ({"email": "jö@example.com"}, "email_not_ascii"),
            ({"email": ["mina@example.com"]}, "value_invalid"),
            ({"email": True}, "value_invalid"),
            ({"email": "\ud800@example.com"}, "value_invalid"),
            ({"username": "jo.smith"}, "username_invalid"),
            ({"username": "ab"}, "username_invalid"),
            ({"username": "ä" * 5}, "username_invalid"),
            ({"username": "Admin"}, "username_reserved"),
            ({"full_name": "x" * 151}, "full_name_invalid"),
            ({"full_name": "a\nb"}, "full_name_invalid"),
            ({"full_name": "a\0b"}, "nul_character"),
            ({"date_joined": "yesterday"}, "created_at_invalid"),
            ({"date_joined": "2126-01-01"}, "created_at_invalid"),
            ({"date_joined": "0001-01-01T00:00:00+14:00"}, "created_at_invalid"),
            ({"date_joined": 1e400}, "created_at_invalid"),
            ({"date_joined": -5}, "created_at_invalid"),
            ({"date_joined": [1]}, "created_at_invalid"),
            ({"date_joined": int("9" * 4000)}, "created_at_invalid"),
            ({"id": "x" * 256}, "external_id_invalid"),
            ({"is_active": "maybe"}, "value_invalid"),
            ({"is_active": 2}, "value_invalid"),
            ({"is_active": {}}, "value_invalid"),
        ],
    )
    def test_that_could_not_have_an_account_is_refused(self, refused, row, reason):
        assert refused("django", row) == reason

    def test_who_has_no_id_there_is_known_by_the_address_which_is_not_readable(self, read):
        one, same = read("django", {}), read("django", {"email": "MINA@example.com"})

        assert one.external_id == same.external_id
        assert "mina" not in one.external_id
        assert one.external_id != read("django", {"email": "omar@example.com"}).external_id

    def test_uses_the_default_language_for_unknown_languages(self, read):
        assert read("django", {"locale": "xx"}).locale == "en"

    def test_is_confirmed_when_the_operator_trusts_all_addresses(self, read, now):
        assert read("django", {}, trusts_addresses=True).email_confirmed_at == now


class TestAUsername:
    @pytest.mark.parametrize(
        ("email", "username"),
        [
            ("mina@example.com", "mina"),
            ("mina.karimi+news@example.com", "mina-karimi-news"),
            ("jo@jö.example.com", "user-jo"),
            ("admin@example.com", "user-admin"),
            ("o'neil@example.com", "o-neil"),
            ("x" * 60 + "@example.com", "x" * 41),
        ],
    )
    def test_is_made_of_the_address_when_there_is_none(self, read, email, username):
        person = read("supabase", {"email": email})

        assert (person.username, person.is_username_derived) == (username, True)

    def test_is_made_of_another_one_when_the_operator_says_so(self, read):
        assert read("django", {"username": "jo.smith"}, derives_usernames=True).username == "jo-smith"

    def test_has_a_second_form_that_is_the_same_each_time(self, read):
        first, second = (read("supabase", {"id": "1"}).another_username() for _ in range(2))

        assert first == second
        assert first.startswith("mina-")
        assert len(first) == 13
        assert first != read("supabase", {"id": "2"}).another_username()


class TestColumns:
    def test_that_are_missing_are_named(self):
        assert FORMATS["bcrypt"].missing(["email"]) == ["password_hash or hash or password or encrypted_password"]
        assert FORMATS["django"].missing(["email", "password"]) == []
        assert FORMATS["supabase"].missing([]) == ["email", "encrypted_password"]


def test_a_moment_up_to_a_day_ahead_is_taken(read, now):
    assert read("django", {"date_joined": (now + timedelta(hours=3)).isoformat()}).created_at
