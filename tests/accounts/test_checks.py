from datetime import timedelta

import pytest

from accounts import checks


def with_conf(settings, **changes):
    settings.ACCOUNTS = {**settings.ACCOUNTS, **changes}


def ids(messages):
    return [message.id for message in messages]


class TestCheckSettings:
    def test_accepts_the_settings_as_they_are(self):
        assert checks.check_settings() == []
        assert checks.check_hashing() == []

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"PASSWORD_MINIMUM": 8}, ["accounts.E001"]),
            ({"EMAIL_CONFIRMATION": "maybe"}, ["accounts.E002"]),
            ({"PASSWORD_MIN_LENGTH": 4}, ["accounts.E002"]),
            ({"PASSWORD_MIN_SCORE": 5}, ["accounts.E002"]),
            ({"PASSWORD_HISTORY": -1}, ["accounts.E002"]),
            ({"BCRYPT_ROUNDS": 3}, ["accounts.E002"]),
            ({"DELETION_RETENTION": timedelta(days=-1)}, ["accounts.E002"]),
            ({"HASHING_THREADS": 0, "HASHING_QUEUE": 0}, ["accounts.E002", "accounts.E002"]),
            ({"HASHING_WAIT": timedelta(0)}, ["accounts.E002"]),
        ],
    )
    def test_reports_impossible_values(self, settings, changes, expected):
        with_conf(settings, **changes)

        assert ids(checks.check_settings()) == expected


class TestCheckRelyingParty:
    def test_accepts_the_settings_as_they_are(self):
        assert checks.check_relying_party() == []

    @pytest.mark.parametrize(
        ("rp_id", "origins", "expected"),
        [
            ("example.org", ["https://example.org", "https://app.example.org:8443"], []),
            ("localhost", ["http://localhost:3000", "http://app.localhost"], []),
            ("127.0.0.1", [], ["accounts.W004"]),
            ("example.org:443", [], ["accounts.W004"]),
            ("https://example.org", [], ["accounts.W004"]),
            ("Example.org", [], ["accounts.W004"]),
            ("", [], ["accounts.W004"]),
            ("example.org", ["http://example.org"], ["accounts.W005"]),
            ("example.org", ["https://example.com"], ["accounts.W005"]),
            ("example.org", ["https://badexample.org"], ["accounts.W005"]),
            ("example.org", ["https://example.org/"], ["accounts.W005"]),
            ("example.org", ["example.org"], ["accounts.W005"]),
        ],
    )
    def test_reports_origins_that_no_browser_accepts(self, settings, rp_id, origins, expected):
        with_conf(settings, WEBAUTHN_RP_ID=rp_id, WEBAUTHN_ORIGINS=origins)

        assert ids(checks.check_relying_party()) == expected


class TestCheckHashing:
    def test_reports_a_hook_that_does_not_exist(self, settings):
        with_conf(settings, WHILE_HASHING="accounts.nothing.here")

        assert ids(checks.check_hashing()) == ["accounts.E003"]

    def test_reports_a_hasher_that_ignores_the_settings(self, settings):
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]

        assert ids(checks.check_hashing()) == ["accounts.W001"]


class TestCheckStrength:
    def test_reports_what_is_too_weak_for_production(self, settings):
        with_conf(settings, BCRYPT_ROUNDS=9, EMAIL_CONFIRMATION="optional")

        assert ids(checks.check_strength()) == ["accounts.E010", "accounts.W010"]

    def test_accepts_the_defaults(self, settings):
        settings.ACCOUNTS = {}

        assert checks.check_strength() == []
