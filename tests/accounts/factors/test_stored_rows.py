"""Rows that an earlier version wrote, with allauth's own functions: their owners can still sign in with their factors.

``stored_rows.json`` holds the rows as PostgreSQL returned them, and what their owner had in hand.
"""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.db import connection

from accounts.factors import enrolled, recovery_codes, totp, webauthn, webauthn_challenges
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import CeremonyPurpose
from tests.clients.authenticator import SoftwareKey
from tests.factories.accounts import UserFactory
from tests.factories.factors import accepts, code_of

pytestmark = pytest.mark.django_db
STORED = json.loads(Path(__file__).with_name("stored_rows.json").read_text())
PASSKEY = ChallengeBinding(CeremonyPurpose.PASSKEY)


@pytest.fixture
def user(db):
    user = UserFactory(id=STORED["rows"]["accounts_totpsecret"][0]["user_id"], is_mfa_enabled=True)
    with connection.cursor() as cursor:
        for table, rows in STORED["rows"].items():
            for row in rows:
                cursor.execute(
                    f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %s)", [json.dumps(row)]
                )
    user.refresh_from_db()
    return user


@pytest.fixture
def key():
    kept = STORED["key"]
    return SoftwareKey(
        credential_id=base64.b64decode(kept["credential_id"]),
        handle=base64.b64decode(kept["handle"]),
        counter=kept["counter"],
        private_key=load_pem_private_key(kept["pem"].encode(), None),
    )


class TestRowsOfAnEarlierVersion:
    def test_are_listed(self, user):
        factors = enrolled.list_factors(user.pk)
        assert [(factor.type, factor.name, factor.is_passkey) for factor in factors] == [
            ("totp", "", False),
            ("recovery_code", "", False),
            ("webauthn", "Blue key", True),
        ]

    def test_accept_the_codes_of_the_application(self, user, now):
        assert accepts(totp, user, code_of(STORED["totp_secret"], now), now)

    def test_accept_each_recovery_code_once(self, user, now):
        codes = STORED["recovery_codes"]
        assert recovery_codes.count_unused(user_id=user.pk) == len(codes)
        assert all(accepts(recovery_codes, user, code, now) for code in codes)
        assert not any(accepts(recovery_codes, user, code, now) for code in codes)

    def test_accept_the_passkey(self, user, key, now):
        options = webauthn_challenges.store(ceremony=webauthn.begin_authentication(user=None), binding=PASSKEY, now=now)
        answer = key.get(options)
        assert webauthn.claimed_owner(answer) == user.pk
        assert webauthn.verify(user=user, response=answer, binding=PASSKEY, now=now) == ["hwk", "user", "mfa"]

    def test_name_the_key_in_the_question_to_the_browser(self, user):
        options = webauthn.begin_authentication(user=user).options
        assert [each["id"] for each in options["allowCredentials"]] == [
            STORED["rows"]["mfa_authenticator"][2]["data"]["credential"]["id"]
        ]
