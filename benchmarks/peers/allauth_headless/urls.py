from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView


class Me(APIView):
    """A view of the project, with the authentication class that allauth brings for Django REST framework."""

    authentication_classes = [JWTTokenAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        user = request.user
        return Response({"pk": user.pk, "username": user.username, "email": user.email,
                         "first_name": user.first_name, "last_name": user.last_name})


urlpatterns = [path("_allauth/", include("allauth.headless.urls")), path("me", Me.as_view())]
