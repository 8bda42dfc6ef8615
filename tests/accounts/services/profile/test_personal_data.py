import json
from dataclasses import asdict
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from accounts.event_types import REAUTHENTICATED
from accounts.models import ImportedPerson, RecoverySecret, TotpSecret
from accounts.services.profile import activity, personal_data
from security_events.services.recording import record
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp
from tests.factories.tokens import family_of, open_session
from tokens.end_reasons import LOGOUT
from tokens.services import revocation
from tokens.users import subject_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def mina(now):
    user = UserFactory(username="mina", full_name="Mina Karimi", raw_password=PASSWORD, department="Sales")
    add_totp(user, now=now)
    add_key(user, now=now + timedelta(minutes=1))
    account = SocialAccount.objects.create(
        user=user, provider="google", uid="117", extra_data={"email": "m@gmail.example", "access_token": "ya29.secret"}
    )
    SocialToken.objects.create(account=account, token="provider-token", token_secret="provider-secret")
    ImportedPerson.objects.create(user=user, source="keycloak", external_id="kc-1", imported_at=now)
    return user


def text(document):
    return json.dumps(document, cls=DjangoJSONEncoder)


class TestExport:
    def test_contains_what_is_stored_about_the_user(self, mina):
        living, ended = open_session(user=mina), open_session(user=mina)
        revocation.end_session(session_id=ended.session_id, user_id=mina.pk, reason=LOGOUT, now=timezone.now())

        document = asdict(personal_data.export(user=mina, session_id=living.session_id, now=timezone.now()))

        account = document["account"]
        assert (account["username"], account["email"], account["full_name"]) == ("mina", mina.email, "Mina Karimi")
        assert account["department"] == "Sales"
        reasons = {row["id"]: row["end_reason"] for row in document["sessions"]["results"]}
        assert reasons.items() >= {living.session_id: "", ended.session_id: "logout"}.items()
        assert [(row["method"], row["name"]) for row in document["second_factors"]] == [
            ("totp", ""),
            ("recovery_code", ""),
            ("webauthn", "Blue key"),
        ]
        (connection,) = document["social_accounts"]
        assert (connection["provider"], connection["uid"]) == ("google", "117")
        assert connection["profile"] == {"email": "m@gmail.example"}
        assert [(row["source"], row["external_id"]) for row in document["imports"]] == [("keycloak", "kc-1")]
        kinds = [row["type"] for row in document["security_events"]["results"]]
        assert {"session.created", "session.revoked", "account.exported"} <= set(kinds)

    def test_contains_no_secrets_and_no_data_of_others(self, mina):
        pair = open_session(user=mina)
        other = UserFactory(username="other", full_name="Somebody Else")
        open_session(user=other)

        written = text(asdict(personal_data.export(user=mina, session_id=pair.session_id, now=timezone.now())))

        digest = mina.password
        for secret in (
            TotpSecret.objects.get().secret,
            RecoverySecret.objects.get().secret,
            "ya29",
            "provider-token",
            "provider-secret",
            digest,
            digest.rsplit("$", 1)[1],
            bytes(family_of(pair).token_hash).hex(),
            pair.access_token,
            pair.refresh_token,
            "other",
            "Somebody Else",
            str(other.pk),
        ):
            assert secret not in written

    def test_is_recorded_with_its_actor(self, mina, events):
        pair = open_session(user=mina)

        personal_data.export(user=mina, session_id=pair.session_id, now=timezone.now())
        personal_data.export(user=mina, now=timezone.now())

        own, operators = events("account.exported").order_by("id")
        assert (own.actor_id, own.target_id, own.session_id) == (str(mina.pk), str(mina.pk), pair.session_id)
        assert (operators.actor_id, operators.target_id) == ("", str(mina.pk))

    def test_says_where_the_rest_of_a_long_history_is(self, mina, now, monkeypatch):
        monkeypatch.setattr(personal_data, "MAX_ROWS", 3)
        me = subject_of(mina)
        for number in range(4):
            record(REAUTHENTICATED, actor=me, target=me)
            open_session(user=mina, now=now + timedelta(minutes=number))

        document = asdict(personal_data.collect(user=mina, now=now))

        assert document["security_events"]["is_truncated"]
        assert document["security_events"]["all_at"] == "/api/v1/auth/me/security-events"
        assert len(document["security_events"]["results"]) == 3
        assert document["sessions"]["is_truncated"]
        assert len(document["sessions"]["results"]) == 3
        assert len(activity.list_entries(user=mina, limit=50).entries) > 3
