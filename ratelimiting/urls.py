"""The routes of the administration of policies. A project mounts them where it likes, such as below ``api/admin/``."""

from django.urls import path

from ratelimiting.api.views.policies import PoliciesView, PolicyView, RollbackView, VersionsView

urlpatterns = [
    path("rate-limit-policies", PoliciesView.as_view(), name="rate-limit-policies"),
    path("rate-limit-policies/versions", VersionsView.as_view(), name="rate-limit-policy-versions"),
    path("rate-limit-policies/rollback", RollbackView.as_view(), name="rate-limit-policies-rollback"),
    path("rate-limit-policies/<uuid:policy_id>", PolicyView.as_view(), name="rate-limit-policy"),
]
