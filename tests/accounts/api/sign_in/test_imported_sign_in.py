"""Everybody who was imported signs in with the password they had, once with the old hash and ever after with ours."""

import re

import pytest

from accounts.importing.parsed_users import ImportPolicy
from accounts.importing.source_rows import SourceRow
from accounts.models import User
from accounts.services.importing import import_run
from accounts.services.passwords import hashing
from tests.accounts.importing.foreign import KINDS, PASSWORD, bcrypt_hash

LOGIN = "/api/v1/auth/login"
CALLBACKS = import_run.ImportCallbacks(
    refused=lambda line, reason: pytest.fail(f"{line}: {reason}"), progress=lambda _done: None
)


def take(name, members, now):
    row = SourceRow(1, {"email": "mina@example.com", "username": "mina", "id": "1", **members}, "", 1, 1)
    plan = import_run.ImportPlan(source=name, format=name, policy=ImportPolicy(trusts_addresses=True))
    return import_run.import_rows(records=[row], plan=plan, run=None, callbacks=CALLBACKS, now=now)


@pytest.mark.slow
@pytest.mark.django_db
class TestSignIn:
    @pytest.mark.parametrize("kind", KINDS)
    def test_takes_the_old_password_and_no_other_and_stores_it_anew(self, api, now, kind):
        name, members, is_weak = KINDS[kind]()
        tally = take(name, members, now)
        assert (tally.imported, tally.wrapped) == (1, int(is_weak))
        imported = User.objects.get().password
        assert imported.startswith("wrapped$") == is_weak

        for wrong in (PASSWORD + "x", PASSWORD.upper(), imported):
            refused = api.post(LOGIN, {"username": "mina", "password": wrong}, format="json")
            assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
        assert User.objects.get().password == imported
        answer = api.post(LOGIN, {"username": "mina@example.com", "password": PASSWORD}, format="json")

        assert answer.status_code == 200
        upgraded = User.objects.get().password
        assert re.fullmatch(r"bcrypt_sha256\$\$2b\$\d\d\$[./A-Za-z0-9]{53}", upgraded)
        assert api.post(LOGIN, {"username": "mina", "password": PASSWORD}, format="json").status_code == 200

    def test_takes_no_password_of_people_without_one(self, api, now):
        take("supabase", {"encrypted_password": ""}, now)

        for password in ("x", "!"):
            assert api.post(LOGIN, {"username": "mina", "password": password}, format="json").status_code == 401

    def test_takes_long_passwords_as_the_other_system_did(self, api, now):
        long = "correct horse battery staple " * 4
        take("bcrypt", {"password_hash": bcrypt_hash(password=long)}, now)

        answer = api.post(LOGIN, {"username": "mina", "password": long}, format="json")
        assert answer.status_code == 200
        assert api.post(LOGIN, {"username": "mina", "password": long[:72]}, format="json").status_code == 401

    def test_creates_no_administrator(self, now):
        take("django", {"password": "", "is_superuser": "1", "is_staff": "1", "groups": "admins"}, now)

        user = User.objects.get()
        assert not user.is_superuser
        assert not user.is_staff


@pytest.mark.django_db
class TestTheTimeOfARefusal:
    @pytest.mark.parametrize("kind", ["bcrypt, cheap", "bcrypt 2a", "django md5", "auth0 ldap", "keycloak pbkdf2, few"])
    def test_is_one_computation_at_the_current_cost(self, now, settings, kind, bcrypt_computations):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 11 if kind == "bcrypt 2a" else 6}
        name, members, _is_weak = KINDS[kind]()
        take(name, members, now)
        digest = User.objects.get().password
        bcrypt_computations.clear()

        assert not hashing.check(password="wrong", digest=digest).is_right

        assert sum(bcrypt_computations) == pytest.approx(1, abs=0.3)
