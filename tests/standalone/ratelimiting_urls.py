from django.http import HttpResponse
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

from ratelimiting.api.decorators import limited
from ratelimiting.api.throttles import PolicyThrottle


def plain(request):
    return HttpResponse("plain")


class Throttled(APIView):
    throttle_classes = [PolicyThrottle]

    def get(self, request):
        return Response({})


urlpatterns = [
    path("plain", plain, name="plain"),
    path("decorated", limited(plain), name="decorated"),
    path("throttled", Throttled.as_view(), name="throttled"),
    path("limits/", include("ratelimiting.urls")),
]
