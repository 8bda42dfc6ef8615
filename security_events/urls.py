"""The routes of events for operators. A project mounts them where it likes, such as below ``api/admin/``."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
