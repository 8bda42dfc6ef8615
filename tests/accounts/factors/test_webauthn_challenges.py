from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.errors import CredentialRefused
from accounts.factors import webauthn, webauthn_challenges
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import Ceremony, CeremonyPurpose
from tests.clients.authenticator import SoftwareKey
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
ANYBODY = ChallengeBinding(CeremonyPurpose.PASSKEY)


@pytest.fixture
def answer(now):
    return SoftwareKey().get(
        webauthn_challenges.store(ceremony=webauthn.begin_authentication(user=None), binding=ANYBODY, now=now)
    )


class TestConsume:
    def test_returns_what_was_remembered_and_that_once(self, answer, now):
        state = webauthn_challenges.consume(credential=answer, binding=ANYBODY, now=now)

        assert state["user_verification"] == "required"
        assert Ceremony.objects.get().used_at == now
        with pytest.raises(CredentialRefused):
            webauthn_challenges.consume(credential=answer, binding=ANYBODY, now=now)

    def test_refuses_when_its_time_is_over(self, answer, now):
        with pytest.raises(CredentialRefused):
            webauthn_challenges.consume(credential=answer, binding=ANYBODY, now=now + timedelta(minutes=5))

    def test_refuses_in_another_place(self, answer, now):
        user = UserFactory()
        for binding in (
            ChallengeBinding(CeremonyPurpose.SIGN_IN),
            ChallengeBinding(CeremonyPurpose.PASSKEY, user_id=user.pk),
            ChallengeBinding(CeremonyPurpose.PASSKEY, session_id=uuid4()),
            ChallengeBinding(CeremonyPurpose.PASSKEY, sign_in_id=uuid4()),
        ):
            with pytest.raises(CredentialRefused):
                webauthn_challenges.consume(credential=answer, binding=binding, now=now)
        assert Ceremony.objects.get().used_at is None

    @pytest.mark.parametrize(
        "credential",
        [{}, {"response": None}, {"response": {"clientDataJSON": "!"}}, {"response": {"clientDataJSON": 1}}],
    )
    def test_refuses_what_is_no_answer(self, credential, now):
        with pytest.raises(CredentialRefused):
            webauthn_challenges.consume(credential=credential, binding=ANYBODY, now=now)
