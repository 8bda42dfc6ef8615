"""The routes of AuthZEN's Authorization API 1.0. A project mounts them at its root: the paths are the standard's."""

from django.urls import path

from accounts.access.api.views.authzen.evaluations import EvaluationsView, EvaluationView
from accounts.access.api.views.authzen.metadata import MetadataView
from accounts.access.api.views.authzen.searches import (
    AuthZenActionSearchView,
    AuthZenResourceSearchView,
    AuthZenSubjectSearchView,
)

urlpatterns = [
    path("access/v1/evaluation", EvaluationView.as_view(), name="authzen-evaluation"),
    path("access/v1/evaluations", EvaluationsView.as_view(), name="authzen-evaluations"),
    path("access/v1/search/subject", AuthZenSubjectSearchView.as_view(), name="authzen-search-subject"),
    path("access/v1/search/resource", AuthZenResourceSearchView.as_view(), name="authzen-search-resource"),
    path("access/v1/search/action", AuthZenActionSearchView.as_view(), name="authzen-search-action"),
    path(".well-known/authzen-configuration", MetadataView.as_view(), name="authzen-metadata"),
]
