"""The routes of this app. A project mounts them below its API's prefix, such as ``api/v1/``."""

from django.urls import path

from accounts.access.api.views.drafts import (
    DraftApplicationView,
    DraftApprovalView,
    DraftImpactView,
    DraftShadowView,
    DraftsView,
    DraftView,
)
from accounts.access.api.views.roles import RolesView, RoleView
from accounts.access.api.views.rules import RulesView, RuleView
from accounts.access.api.views.unused import UnusedGrantsView
from accounts.access.api.views.versions import RollbackView, VersionsView, VersionView

urlpatterns = [
    path("admin/policies", RulesView.as_view(), name="policies"),
    path("admin/policies/versions", VersionsView.as_view(), name="policy-versions"),
    path("admin/policies/versions/<int:number>", VersionView.as_view(), name="policy-version"),
    path("admin/policies/rollback", RollbackView.as_view(), name="policies-rollback"),
    path("admin/policies/unused", UnusedGrantsView.as_view(), name="policies-unused"),
    path("admin/policies/<uuid:rule_id>", RuleView.as_view(), name="policy"),
    path("admin/policy-drafts", DraftsView.as_view(), name="policy-drafts"),
    path("admin/policy-drafts/<uuid:draft_id>", DraftView.as_view(), name="policy-draft"),
    path("admin/policy-drafts/<uuid:draft_id>/impact", DraftImpactView.as_view(), name="policy-draft-impact"),
    path("admin/policy-drafts/<uuid:draft_id>/shadow", DraftShadowView.as_view(), name="policy-draft-shadow"),
    path("admin/policy-drafts/<uuid:draft_id>/approve", DraftApprovalView.as_view(), name="policy-draft-approve"),
    path("admin/policy-drafts/<uuid:draft_id>/apply", DraftApplicationView.as_view(), name="policy-draft-apply"),
    path("admin/roles", RolesView.as_view(), name="roles"),
    path("admin/roles/<str:name>", RoleView.as_view(), name="role"),
]
