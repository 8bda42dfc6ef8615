import pytest
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from accounts.api.permissions import may_do
from tests.factories.accounts import UserFactory


class SecretView(APIView):
    permission_classes = [may_do("events:read")]

    def get(self, _request):
        return Response({})


@pytest.mark.django_db
class TestMayDo:
    @pytest.mark.parametrize(("details", "status"), [({"admin": True}, 200), ({}, 403)])
    def test_asks_the_one_permission_function(self, details, status):
        request = APIRequestFactory().get("/")
        force_authenticate(request, user=UserFactory(**details), token=object())

        assert SecretView.as_view()(request).status_code == status
