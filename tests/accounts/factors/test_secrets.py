"""Secrets at rest: unreadable in a copy of the database, worthless in another row, moved to a new key."""

import base64

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.db import connection

from accounts.factors import recovery_codes, totp
from accounts.factors.adapter import secret_of
from accounts.models import RecoverySecret, TotpSecret
from cedrina_base.encryption import DecryptionFailed
from tests.factories.accounts import UserFactory
from tests.factories.factors import accepts, add_key, add_totp, code_of
from tests.factories.factors import secret_of as key_of
from tokens.services import reencryption

pytestmark = pytest.mark.django_db
TABLES = ["accounts_totpsecret", "accounts_recoverysecret", "accounts_totpenrolment", "accounts_ceremony"]


def stored(table, user=None):
    """Return the encrypted secrets of a table, as a copy of the database contains them."""
    where = " WHERE user_id = %s" if user else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT secret FROM {table}{where}", [user.pk] if user else [])
        return [row[0] for row in cursor.fetchall()]


def copy(table, *, giver, taker):
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET secret = (SELECT secret FROM {table} WHERE user_id = %s) WHERE user_id = %s",
            [giver.pk, taker.pk],
        )


class TestASecret:
    def test_stands_nowhere_in_clear(self, now):
        user = UserFactory()
        secret, codes = add_totp(user, now=now)
        add_key(user, now=now)

        seed = RecoverySecret.objects.get(pk=user.pk).secret
        whole = str([list(Authenticator.objects.values()), stored(TABLES[0]), stored(TABLES[1])])

        for value in (secret, seed, *codes, *(code.replace("-", "") for code in codes)):
            assert value not in whole
        assert Authenticator.objects.get(type="totp").data == {"secret": "accounts.TotpSecret"}
        assert Authenticator.objects.get(type="recovery_codes").data == {
            "seed": "accounts.RecoverySecret",
            "used_mask": 0,
        }

    def test_is_of_no_use_to_another_person(self, now):
        thief, victim = UserFactory(), UserFactory()
        secret, codes = add_totp(thief, now=now)
        add_totp(victim, now=now)

        for table in TABLES[:2]:
            copy(table, giver=thief, taker=victim)

        with pytest.raises(DecryptionFailed):
            accepts(totp, victim, code_of(secret, now), now)
        with pytest.raises(DecryptionFailed):
            accepts(recovery_codes, victim, codes[0], now)

    def test_is_not_reached_by_copying_what_allauth_has(self, now):
        thief, victim = UserFactory(), UserFactory()
        secret, _codes = add_totp(thief, now=now)
        add_totp(victim, now=now)

        data = Authenticator.objects.get(user=thief, type="totp").data
        Authenticator.objects.filter(user=victim, type="totp").update(data=data)

        assert not accepts(totp, victim, code_of(secret, now), now)
        assert accepts(totp, victim, code_of(key_of(victim), now), now)

    def test_moves_to_a_new_key(self, now, settings):
        user = UserFactory()
        secret, codes = add_totp(user, now=now)
        reencryption.reencrypt()
        old = settings.TOKENS["FIELD_ENCRYPTION_KEYS"]
        new = [("test2", base64.b64decode("bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0="))]
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [*new, *old]}
        assert reencryption.outdated() >= 2

        reencryption.reencrypt()

        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": new}
        for table in TABLES[:2]:
            assert stored(table, user)[0].startswith("test2:")
        assert accepts(totp, user, code_of(secret, now), now)
        assert accepts(recovery_codes, user, codes[0], now)

    def test_can_not_be_reached_without_saying_whose(self):
        for function in (encrypt, decrypt):
            with pytest.raises(RuntimeError):
                function("a secret")

    def test_is_read_through_allauth_itself(self, now):
        user = UserFactory()
        secret, _codes = add_totp(user, now=now)

        with secret_of(TotpSecret, user.pk):
            assert decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret
