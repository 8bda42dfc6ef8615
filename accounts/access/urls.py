"""The routes of this app. A project mounts them below its API's prefix, such as ``api/v1/``."""

from django.urls import URLPattern, URLResolver, path

from accounts.access.api.views.asking.checks import CheckBatchView, CheckView
from accounts.access.api.views.asking.searches import ActionSearchView, ObjectSearchView, SubjectSearchView
from accounts.access.api.views.drafts import (
    DraftApplicationView,
    DraftApprovalView,
    DraftImpactView,
    DraftShadowView,
    DraftsView,
    DraftView,
)
from accounts.access.api.views.roles import RolesView, RoleView
from accounts.access.api.views.rules import PolicyRulesView, PolicyRuleView
from accounts.access.api.views.unused import UnusedGrantsView
from accounts.access.api.views.versions import PolicyRollbackView, PolicyVersionsView, PolicyVersionView

urlpatterns: list[URLPattern | URLResolver] = [
    path("authz/check", CheckView.as_view(), name="authz-check"),
    path("authz/check-batch", CheckBatchView.as_view(), name="authz-check-batch"),
    path("authz/search/subjects", SubjectSearchView.as_view(), name="authz-search-subjects"),
    path("authz/search/objects", ObjectSearchView.as_view(), name="authz-search-objects"),
    path("authz/search/actions", ActionSearchView.as_view(), name="authz-search-actions"),
    path("admin/policies", PolicyRulesView.as_view(), name="policies"),
    path("admin/policies/versions", PolicyVersionsView.as_view(), name="policy-versions"),
    path("admin/policies/versions/<str:number>", PolicyVersionView.as_view(), name="policy-version"),
    path("admin/policies/rollback", PolicyRollbackView.as_view(), name="policies-rollback"),
    path("admin/policies/unused", UnusedGrantsView.as_view(), name="policies-unused"),
    path("admin/policies/<uuid:rule_id>", PolicyRuleView.as_view(), name="policy"),
    path("admin/policy-drafts", DraftsView.as_view(), name="policy-drafts"),
    path("admin/policy-drafts/<uuid:draft_id>", DraftView.as_view(), name="policy-draft"),
    path("admin/policy-drafts/<uuid:draft_id>/impact", DraftImpactView.as_view(), name="policy-draft-impact"),
    path("admin/policy-drafts/<uuid:draft_id>/shadow", DraftShadowView.as_view(), name="policy-draft-shadow"),
    path("admin/policy-drafts/<uuid:draft_id>/approve", DraftApprovalView.as_view(), name="policy-draft-approve"),
    path("admin/policy-drafts/<uuid:draft_id>/apply", DraftApplicationView.as_view(), name="policy-draft-apply"),
    path("admin/roles", RolesView.as_view(), name="roles"),
    path("admin/roles/<str:name>", RoleView.as_view(), name="role"),
]
