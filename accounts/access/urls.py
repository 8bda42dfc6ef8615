"""The routes of this app. A project mounts them below its API's prefix, such as ``api/v1/``."""

from django.urls import URLPattern, URLResolver, path

from accounts.access.api.views.asking.checks import CheckBatchView, CheckView
from accounts.access.api.views.asking.searches import ActionSearchView, ObjectSearchView, SubjectSearchView

urlpatterns: list[URLPattern | URLResolver] = [
    path("authz/check", CheckView.as_view(), name="authz-check"),
    path("authz/check-batch", CheckBatchView.as_view(), name="authz-check-batch"),
    path("authz/search/subjects", SubjectSearchView.as_view(), name="authz-search-subjects"),
    path("authz/search/objects", ObjectSearchView.as_view(), name="authz-search-objects"),
    path("authz/search/actions", ActionSearchView.as_view(), name="authz-search-actions"),
]
