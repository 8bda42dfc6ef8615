"""The routes of this app. A project mounts them below its API's prefix, such as ``api/v1/``."""

from django.urls import path

from accounts.access.api.views.roles import RolesView, RoleView
from accounts.access.api.views.rules import PolicyRulesView, PolicyRuleView
from accounts.access.api.views.versions import PolicyRollbackView, PolicyVersionsView, PolicyVersionView

urlpatterns = [
    path("admin/policies", PolicyRulesView.as_view(), name="policies"),
    path("admin/policies/versions", PolicyVersionsView.as_view(), name="policy-versions"),
    path("admin/policies/versions/<str:number>", PolicyVersionView.as_view(), name="policy-version"),
    path("admin/policies/rollback", PolicyRollbackView.as_view(), name="policies-rollback"),
    path("admin/policies/<uuid:rule_id>", PolicyRuleView.as_view(), name="policy"),
    path("admin/roles", RolesView.as_view(), name="roles"),
    path("admin/roles/<str:name>", RoleView.as_view(), name="role"),
]
