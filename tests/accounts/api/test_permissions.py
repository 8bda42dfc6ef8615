import pytest
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from accounts.api.permissions import action_permission
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory


class SecretView(APIView):
    permission_classes = [action_permission("events:read")]

    def get(self, _request):
        return Response({})


@pytest.mark.django_db
class TestActionPermission:
    @pytest.mark.parametrize(("details", "status"), [({"admin": True}, 200), ({}, 403)])
    def test_follows_the_permission_rules(self, details, status):
        request = APIRequestFactory().get("/")
        force_authenticate(request, user=UserFactory(**details), token=object())

        assert SecretView.as_view()(request).status_code == status

    def test_records_a_refusal_with_its_action(self):
        person = UserFactory()
        request = APIRequestFactory().get("/")
        force_authenticate(request, user=person, token=object())
        SecretView.as_view()(request)

        event = SecurityEvent.objects.get(actor_id=str(person.pk), type="permission.denied")
        assert (event.outcome, event.risk_reasons) == ("failure", ["events:read"])

    def test_records_nothing_for_anonymous_requests(self):
        before = SecurityEvent.objects.filter(type="permission.denied").count()
        request = APIRequestFactory().get("/")

        assert SecretView.as_view()(request).status_code in (401, 403)
        assert SecurityEvent.objects.filter(type="permission.denied").count() == before
