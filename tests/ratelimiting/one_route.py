"""A URLconf with one route, as if an upgrade had removed all others."""

from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [path("inner/", include(([path("left", lambda _request: HttpResponse())], "inner")))]
