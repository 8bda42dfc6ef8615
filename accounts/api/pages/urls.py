"""The routes of the pages that mailed links open. ``accounts.services.mailing.mail_templates`` has the same paths."""

from django.urls import path

from accounts.api.pages import brand_files
from accounts.api.pages.links import ConfirmEmailPage, NotMePage, ResetPasswordPage, StopResetPage
from accounts.api.pages.requests import ForgotPasswordPage, ResendConfirmationPage, ResultPage

urlpatterns = [
    path("confirm-email/<str:token>", ConfirmEmailPage.as_view(), name="page-confirm-email"),
    path("reset-password/<str:token>", ResetPasswordPage.as_view(), name="page-reset-password"),
    path("not-me/<str:token>", NotMePage.as_view(), name="page-not-me"),
    path("stop-reset/<str:token>", StopResetPage.as_view(), name="page-stop-reset"),
    path("forgot-password", ForgotPasswordPage.as_view(), name="page-forgot-password"),
    path("resend-confirmation", ResendConfirmationPage.as_view(), name="page-resend-confirmation"),
    path("done/<str:what>", ResultPage.as_view(), name="page-done"),
    path("brand/colours.css", brand_files.colours, name="brand-colours"),
    path("brand/logo.png", brand_files.logo, name="brand-logo"),
    path("brand/icon.svg", brand_files.icon, name="brand-icon"),
]
