from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.urls import path
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.api.base import TokensAPIView
from tokens.api.step_up import RequiredFactor, check_requirement, no_step_up, requires, requires_second_factor
from tokens.checks import check_step_up
from tokens.errors import ReauthenticationRequired, StepUpRequired
from tokens.services import sessions
from tokens.types import Principal

MINUTE = timedelta(minutes=1)


class Guarded(TokensAPIView):
    step_up = {
        "post": requires(max_age=300),
        "put": requires(max_age=60, factor=RequiredFactor.SECOND),
        "delete": no_step_up("a test"),
    }

    def post(self, request):
        return Response({})

    put = delete = post


class Silent(TokensAPIView):
    def post(self, request):
        return Response({})


class Public(Silent):
    permission_classes = [AllowAny]


urlpatterns = [path("guarded", Guarded.as_view()), path("silent", Silent.as_view()), path("public", Public.as_view())]


def principal(now, *, authenticated=timedelta(0), second=None):
    return Principal(
        user_id=uuid4(),
        session_id=uuid4(),
        family_id=uuid4(),
        generation=1,
        jti="",
        amr=("pwd",),
        authenticated_at=now - authenticated,
        second_factor_at=None if second is None else now - second,
        issued_at=now,
        expires_at=now,
    )


@pytest.mark.attack("RFC 9470, 3")
class TestRequire:
    @pytest.mark.parametrize(
        ("need", "has_factor", "ages", "refusal"),
        [
            (no_step_up("x"), True, (1000 * MINUTE, None), None),
            (requires(max_age=300), False, (5 * MINUTE, None), None),
            (requires(max_age=300), False, (6 * MINUTE, None), ReauthenticationRequired),
            (requires(max_age=300), True, (6 * MINUTE, MINUTE), ReauthenticationRequired),
            (requires(max_age=300, factor=RequiredFactor.SECOND), True, (MINUTE, MINUTE), None),
            (requires(max_age=300, factor=RequiredFactor.SECOND), True, (MINUTE, None), StepUpRequired),
            (requires(max_age=300, factor=RequiredFactor.SECOND), True, (MINUTE, 6 * MINUTE), StepUpRequired),
            (requires(max_age=300, factor=RequiredFactor.SECOND), False, (MINUTE, None), None),
            (requires(max_age=300, factor=RequiredFactor.SECOND), False, (6 * MINUTE, None), ReauthenticationRequired),
            (requires_second_factor("x", max_age=300), True, (MINUTE, MINUTE), None),
            (requires_second_factor("x", max_age=300), True, (MINUTE, None), StepUpRequired),
            (requires_second_factor("x", max_age=300), True, (MINUTE, 6 * MINUTE), StepUpRequired),
            (requires_second_factor("x", max_age=300), False, (6 * MINUTE, None), None),
        ],
    )
    def test_looks_at_age_and_factor(self, now, need, has_factor, ages, refusal):
        caller = principal(now, authenticated=ages[0], second=ages[1])
        user = SimpleNamespace(is_mfa_enabled=has_factor)
        if refusal is None:
            check_requirement(need, principal=caller, user=user, now=now)
        else:
            with pytest.raises(refusal) as caught:
                check_requirement(need, principal=caller, user=user, now=now)
            assert type(caught.value) is refusal


@pytest.mark.django_db
@pytest.mark.urls(__name__)
class TestTheChallenge:
    def call(self, method, pair):
        return getattr(APIClient(), method)("/guarded", headers={"Authorization": f"Bearer {pair.access_token}"})

    def test_says_how_fresh_and_by_which_factor(self, now):
        pair = open_session(user=UserFactory(is_mfa_enabled=True))
        assert self.call("post", pair).status_code == 200
        assert self.call("delete", pair).status_code == 200

        refused = self.call("put", pair)

        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
        assert refused.headers["WWW-Authenticate"] == (
            'Bearer error="insufficient_user_authentication", error_description="step_up_required", '
            'acr_values="mfa", max_age="60"'
        )

    def test_is_met_by_showing_the_second_factor(self):
        pair = open_session(user=UserFactory(is_mfa_enabled=True))
        sessions.record_reauthentication(session_id=pair.session_id, amr=["otp", "mfa"], now=timezone.now())

        assert self.call("put", pair).status_code == 200

    def test_is_made_for_an_old_sign_in(self, now):
        pair = open_session(user=UserFactory())
        sessions.record_reauthentication(session_id=pair.session_id, now=now)

        refused = self.call("post", pair)

        assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
        assert 'max_age="300"' in refused.headers["WWW-Authenticate"]
        assert "acr_values" not in refused.headers["WWW-Authenticate"]


class TestCheckStepUp:
    @pytest.mark.urls(__name__)
    def test_finds_a_call_without_a_declaration(self):
        assert [problem.msg for problem in check_step_up()] == ["POST /silent does not declare its step-up."]

    def test_finds_nothing_in_ours(self):
        assert check_step_up() == []
