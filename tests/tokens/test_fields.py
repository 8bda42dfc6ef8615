from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from cedrina_base.encrypted_fields import Ciphertext
from cedrina_base.encryption import DecryptionFailed
from tokens import encryption
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)
TEXT = "-----BEGIN SOMETHING-----\nñ\U0001f511\n"


def make(kid="one", text=TEXT):
    now = timezone.now()
    return SigningKey.objects.create(
        kid=kid,
        public_key="p",
        private_key=text,
        created_at=now,
        activated_at=now + timedelta(days=1),
        retired_at=now,
        expires_at=now,
    )


def stored(kid="one"):
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM tokens_signingkey WHERE kid = %s", [kid])
        return cursor.fetchone()[0]


def store(value, kid="one", column="private_key"):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE tokens_signingkey SET {column} = %s WHERE kid = %s", [value, kid])


@pytest.fixture(autouse=True)
def one_key(settings):
    settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [OLD]}


class TestEncryptedTextField:
    def test_gives_back_what_was_stored(self):
        assert make().private_key == TEXT
        assert SigningKey.objects.get(kid="one").private_key == TEXT
        assert SigningKey.objects.defer("private_key").get(kid="one").private_key == TEXT
        assert SigningKey.objects.only("private_key").get(kid="one").private_key == TEXT

    def test_stores_it_encrypted_with_the_id_of_its_key_in_front(self):
        make()

        assert stored().startswith("old:")
        assert "SOMETHING" not in stored()

    def test_takes_a_fresh_nonce_each_time(self):
        key = make()
        before = stored()
        key.save()

        assert stored() != before
        assert SigningKey.objects.get(kid="one").private_key == TEXT

    def test_saves_a_value_that_nobody_read_as_it_stands(self):
        make()
        before = stored()
        SigningKey.objects.get(kid="one").save()

        assert stored() == before

    def test_can_be_set_and_refreshed(self):
        key = make()
        other = SigningKey.objects.get(kid="one")
        key.private_key = "changed"
        key.save(update_fields=["private_key"])
        assert other.private_key == TEXT

        other.refresh_from_db()
        assert other.private_key == "changed"

    def test_does_not_decrypt_a_value_copied_from_another_row(self):
        make("one")
        make("two", "another")
        store(stored("two"), "one")

        with pytest.raises(DecryptionFailed):
            _ = SigningKey.objects.get(kid="one").private_key
        assert SigningKey.objects.get(kid="two").private_key == "another"

    def test_does_not_decrypt_a_value_of_another_column(self):
        make()
        store(encryption.encrypt("x", associated_data="tokens_signingkey.public_key:one"))

        with pytest.raises(DecryptionFailed):
            _ = SigningKey.objects.get(kid="one").private_key

    def test_does_not_decrypt_a_value_whose_row_got_another_key(self):
        make()
        store("two", "one", column="kid")

        with pytest.raises(DecryptionFailed):
            _ = SigningKey.objects.get(kid="two").private_key

    @pytest.mark.parametrize(
        "value", ["", "plain", "old:", "old:AAAA", "old:!!!!", "old:" + "A" * 64, "lost:AAAA", ":x"]
    )
    def test_does_not_decrypt_what_it_did_not_encrypt(self, value):
        make()
        store(value)

        with pytest.raises(DecryptionFailed):
            _ = SigningKey.objects.get(kid="one").private_key

    @pytest.mark.parametrize(
        "change",
        [
            lambda: SigningKey.objects.update(private_key="plain"),
            lambda: SigningKey.objects.filter(private_key="plain").exists(),
            lambda: SigningKey.objects.filter(private_key__in=["plain"]).exists(),
        ],
        ids=["update()", "filter()", "in"],
    )
    def test_refuses_to_be_updated_or_filtered_by_in_plain(self, change):
        make()
        before = stored()
        with pytest.raises(TypeError, match="is encrypted"), transaction.atomic():
            change()

        assert stored() == before

    def test_bulk_create_encrypts_too(self):
        now = timezone.now()
        SigningKey.objects.bulk_create(
            [SigningKey(kid="bulk", public_key="p", private_key="x", created_at=now, activated_at=now, expires_at=now)]
        )

        assert stored("bulk").startswith("old:")
        assert SigningKey.objects.get(kid="bulk").private_key == "x"

    def test_wants_a_primary_key_beforehand(self):
        key = SigningKey(public_key="p", private_key="x", created_at=timezone.now(), activated_at=timezone.now())
        key.pk = None

        with pytest.raises(ValueError, match="primary key"):
            SigningKey._meta.get_field("private_key").pre_save(key, add=True)

    def test_keeps_null(self):
        field = SigningKey._meta.get_field("private_key")

        assert field.from_db_value(None) is None
        assert field.get_prep_value(None) is None

    def test_is_not_shown_by_values(self):
        make()

        value = SigningKey.objects.filter(kid="one").values_list("private_key", flat=True).get()
        assert isinstance(value, Ciphertext)
        assert "SOMETHING" not in value


class TestKeyRotation:
    def test_encrypts_with_the_first_key_and_decrypts_with_all(self, settings):
        make("one")
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [NEW, OLD]}
        make("two")

        assert (stored("one")[:4], stored("two")[:4]) == ("old:", "new:")
        assert SigningKey.objects.get(kid="one").private_key == SigningKey.objects.get(kid="two").private_key == TEXT

    def test_moves_a_value_when_it_is_read_and_saved(self, settings):
        make()
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [NEW, OLD]}
        key = SigningKey.objects.get(kid="one")
        assert key.private_key == TEXT
        key.save()
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [NEW]}

        assert stored().startswith("new:")
        assert SigningKey.objects.get(kid="one").private_key == TEXT

    def test_says_which_key_is_missing(self, settings):
        make()
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [NEW]}

        with pytest.raises(DecryptionFailed, match="'old'"):
            _ = SigningKey.objects.get(kid="one").private_key

    def test_does_not_take_another_key_of_the_same_name(self, settings):
        make()
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [("old", b"x" * 32)]}

        with pytest.raises(DecryptionFailed):
            _ = SigningKey.objects.get(kid="one").private_key


class TestEncryption:
    @given(plaintext=st.text(), place=st.text())
    @budget(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_gives_back_any_text_in_its_place_alone(self, plaintext, place):
        sealed = encryption.encrypt(plaintext, associated_data=place)

        assert encryption.decrypt(sealed, associated_data=place) == plaintext
        with pytest.raises(DecryptionFailed):
            encryption.decrypt(sealed, associated_data=place + "x")

    @given(position=st.integers(4, 60), character=st.sampled_from("Aa1+/=-_ "))
    @budget(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_sees_any_change(self, position, character):
        sealed = encryption.encrypt("x" * 30, associated_data="place")
        changed = sealed[:position] + character + sealed[position + 1 :]
        if changed == sealed:
            return
        with pytest.raises(DecryptionFailed):
            encryption.decrypt(changed, associated_data="place")

    def test_derives_a_key_where_none_is_set(self, settings):
        settings.TOKENS = {}
        sealed = encryption.encrypt("x", associated_data="place")
        assert sealed.startswith("derived:")
        assert encryption.decrypt(sealed, associated_data="place") == "x"

        settings.SECRET_KEY = "another" * 10
        with pytest.raises(DecryptionFailed):
            encryption.decrypt(sealed, associated_data="place")
