"""The routes of this app, below the API's prefix."""

from django.urls import path

from accounts.api.views.authentication import LoginView, ReauthenticateView
from accounts.api.views.passwords import ChangePasswordView
from accounts.api.views.profiles import MeView
from accounts.api.views.rate_limits import (
    RateLimitPoliciesView,
    RateLimitPolicyView,
    RateLimitRollbackView,
    RateLimitVersionsView,
)
from accounts.api.views.registration import RegisterView

urlpatterns = [
    path("auth/register", RegisterView.as_view(), name="register"),
    path("auth/login", LoginView.as_view(), name="login"),
    path("auth/reauthenticate", ReauthenticateView.as_view(), name="reauthenticate"),
    path("auth/change-password", ChangePasswordView.as_view(), name="change-password"),
    path("auth/me", MeView.as_view(), name="me"),
    path("admin/rate-limit-policies", RateLimitPoliciesView.as_view(), name="rate-limit-policies"),
    path("admin/rate-limit-policies/versions", RateLimitVersionsView.as_view(), name="rate-limit-policy-versions"),
    path("admin/rate-limit-policies/rollback", RateLimitRollbackView.as_view(), name="rate-limit-policies-rollback"),
    path("admin/rate-limit-policies/<uuid:policy_id>", RateLimitPolicyView.as_view(), name="rate-limit-policy"),
]
