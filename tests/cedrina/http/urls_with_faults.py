"""The project's routes and views that fail in every way."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from cedrina.urls import handler400, handler403, handler404, handler500
from cedrina.urls import urlpatterns as real


def bug(request):
    raise RuntimeError("the secret of the bug")


def outage(request):
    raise OperationalError("server closed the connection")


def suspicion(request):
    raise SuspiciousOperation("odd")


def refusal(request):
    raise PermissionDenied


class BuggyView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request):
        raise RuntimeError("the secret of the bug")


urlpatterns = [
    *real,
    path("api/v1/bug", bug),
    path("api/v1/view-bug", BuggyView.as_view()),
    path("api/v1/outage", outage),
    path("api/v1/suspicion", suspicion),
    path("api/v1/refusal", refusal),
    path("bug", bug),
    path("outage", outage),
    path("suspicion", suspicion),
    path("refusal", refusal),
]
