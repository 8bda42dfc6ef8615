"""The routes of this app. A project mounts them below its API's prefix, such as ``api/v1/``."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
