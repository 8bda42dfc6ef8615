"""The routes of this app, below the API's prefix."""

from django.urls import path

from accounts.api.views.authentication import LoginView, ReauthenticateView
from accounts.api.views.passwords import ChangePasswordView
from accounts.api.views.personal_data import ActivityView, ExportView
from accounts.api.views.profiles import MeView
from accounts.api.views.registration import RegisterView

urlpatterns = [
    path("auth/register", RegisterView.as_view(), name="register"),
    path("auth/login", LoginView.as_view(), name="login"),
    path("auth/reauthenticate", ReauthenticateView.as_view(), name="reauthenticate"),
    path("auth/change-password", ChangePasswordView.as_view(), name="change-password"),
    path("auth/me", MeView.as_view(), name="me"),
    path("auth/me/export", ExportView.as_view(), name="export-me"),
    path("auth/me/security-events", ActivityView.as_view(), name="my-security-events"),
]
