from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from tokens.checks import check_active_user, check_database, check_deployment, check_settings, check_signing_key
from tokens.conf import TokenSettings, allow_superusers, no_roles, token_settings
from tokens.models import SigningKey
from tokens.services import keys

SECOND = timedelta(seconds=1)
KEY = ("k1", b"k" * 32)


def ids(problems):
    return [problem.id for problem in problems]


class TestCheckSettings:
    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"SESSION_IDLE_TTL": 1800 * SECOND, "SESSION_ABSOLUTE_TTL": 43_200 * SECOND},
            {"SESSION_OVERFLOW": "reject", "MAX_SESSIONS_PER_USER": 1},
            {"FIELD_ENCRYPTION_KEYS": [KEY], "REFRESH_KEY_EPOCH": 255},
            {"ACCESS_TOKEN_ALGORITHM": "EdDSA"},
        ],
    )
    def test_has_nothing_to_say_about_sound_settings(self, settings, given):
        settings.TOKENS = given

        assert check_settings() == []

    @pytest.mark.parametrize(
        ("given", "number"),
        [
            ({"ACCES_TTL": 5 * SECOND}, "E001"),
            ({"SESSION_IDLE_TTL": 2 * SECOND * 86_400, "SESSION_ABSOLUTE_TTL": SECOND * 86_400}, "E002"),
            ({"ACCESS_TTL": 29 * SECOND}, "E003"),
            ({"ACCESS_TTL": timedelta(days=7)}, "E003"),
            ({"REFRESH_RACE_TTL": 11 * SECOND, "REFRESH_LOST_REPLY_TTL": 10 * SECOND}, "E004"),
            ({"MAX_SESSIONS_PER_USER": 0}, "E005"),
            ({"SESSION_OVERFLOW": "ignore"}, "E006"),
            ({"FIELD_ENCRYPTION_KEYS": [KEY, ("k2", b"short")]}, "E007"),
            ({"FIELD_ENCRYPTION_KEYS": [("k:1", b"k" * 32)]}, "E007"),
            ({"REFRESH_KEY_EPOCH": 0}, "E008"),
            ({"REFRESH_FOREIGN_REPEATS": 11}, "E012"),
            ({"REFRESH_FOREIGN_REPEATS": -1}, "E012"),
            ({"REFRESH_OWN_REPEATS": 1001}, "E012"),
            ({"REFRESH_KEY_EPOCH": 256}, "E008"),
            ({"JWKS_PROPAGATION_TTL": 119 * SECOND}, "E009"),
            ({"ACCESS_TOKEN_ALGORITHM": "HS256"}, "E015"),
            ({"ACCESS_TOKEN_ALGORITHM": "none"}, "E015"),
            ({"ACCESS_TOKEN_ALGORITHM": "rs256"}, "E015"),
        ],
    )
    def test_names_what_is_wrong(self, settings, given, number):
        settings.TOKENS = given

        assert ids(check_settings()) == [f"tokens.{number}"]


class TestCheckDatabase:
    def test_has_nothing_to_say_about_postgresql(self):
        assert check_database() == []

    def test_refuses_another_database_with_a_sentence(self, monkeypatch):
        monkeypatch.setattr(connections["default"], "vendor", "sqlite", raising=False)

        (problem,) = check_database()
        assert (problem.id, problem.msg) == (
            "tokens.E013",
            "tokens needs PostgreSQL as the default database, which is sqlite here.",
        )


@pytest.mark.django_db
@pytest.mark.usefixtures("own_keys")
class TestCheckSigningKey:
    def test_has_nothing_to_say_about_a_key_of_the_setting(self):
        assert check_signing_key(databases=["default"]) == []

    def test_says_which_algorithm_signs_until_the_next_rotation(self, settings):
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": "ES256"}

        (problem,) = check_signing_key(databases=["default"])
        assert problem.id == "tokens.W002"
        assert problem.msg == (
            "TOKENS['ACCESS_TOKEN_ALGORITHM'] is ES256, but the newest signing key is for RS256: access tokens are "
            "still signed with that."
        )
        keys.rotate(now=timezone.now())
        assert check_signing_key(databases=["default"]) == []

    def test_asks_no_database_unless_told_to(self, settings, django_assert_num_queries):
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": "ES256"}

        with django_assert_num_queries(0):
            assert check_signing_key() == check_signing_key(databases=["replica"]) == []

    def test_has_nothing_to_say_before_there_is_a_key_or_a_table(self, settings, monkeypatch):
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": "ES256"}
        SigningKey.objects.all().delete()

        assert check_signing_key(databases=["default"]) == []
        monkeypatch.setattr(SigningKey._meta, "db_table", "not_migrated_yet")
        assert check_signing_key(databases=["default"]) == []


class TestCheckActiveUser:
    def test_has_nothing_to_say_about_fields_of_the_model(self):
        assert check_active_user() == []

    @pytest.mark.parametrize("given", [{"is_enabled": True}, {"is_active": "yes"}, {"deleted_at": 0}])
    def test_names_what_can_not_be_compared(self, settings, given):
        settings.TOKENS = {"ACTIVE_USER": given}

        assert ids(check_active_user()) == ["tokens.E014"]


class TestCheckDeployment:
    SOUND = {"FIELD_ENCRYPTION_KEYS": [KEY], "ISSUER": "https://auth.example.com"}

    def test_has_nothing_to_say_about_sound_settings(self, settings):
        settings.TOKENS = self.SOUND

        assert check_deployment() == []

    @pytest.mark.parametrize(
        ("given", "number"),
        [
            ({"FIELD_ENCRYPTION_KEYS": []}, "E010"),
            ({"ISSUER": "http://auth.example.com"}, "E011"),
            ({"ACCESS_TTL": timedelta(hours=1, seconds=1)}, "W001"),
        ],
    )
    def test_grades_what_is_not_wise(self, settings, given, number):
        settings.TOKENS = {**self.SOUND, **given}

        assert ids(check_deployment()) == [f"tokens.{number}"]


class TestTokenSettings:
    def test_lists_every_setting_and_documents_it(self):
        properties = {name for name, value in vars(TokenSettings).items() if isinstance(value, property)}

        assert TokenSettings.names() == properties
        assert all(vars(TokenSettings)[name].__doc__ for name in properties)

    def test_works_without_any(self, settings):
        del settings.TOKENS

        assert token_settings.ACCESS_TOKEN_ALGORITHM == "RS256"
        assert timedelta(minutes=15) == token_settings.ACCESS_TTL
        assert timedelta(days=7) == token_settings.SESSION_IDLE_TTL
        assert timedelta(days=30) == token_settings.SESSION_ABSOLUTE_TTL
        assert token_settings.REFRESH_RACE_TTL == 10 * SECOND
        assert timedelta(hours=24) == token_settings.REFRESH_LOST_REPLY_TTL
        assert (token_settings.REFRESH_OWN_REPEATS, token_settings.REFRESH_FOREIGN_REPEATS) == (10, 2)
        assert token_settings.MAX_SESSIONS_PER_USER == 5
        assert token_settings.SESSION_OVERFLOW == "evict_oldest"
        assert token_settings.ROLES is no_roles
        assert token_settings.MAY is allow_superusers

    def test_is_read_anew_each_time(self, settings):
        settings.TOKENS = {"ACCESS_TTL": 60 * SECOND}

        assert token_settings.ACCESS_TTL == 60 * SECOND
