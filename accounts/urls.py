"""The routes of this app, below the API's prefix."""

from django.urls import path

from accounts.api.views.administration.break_glass import BreakGlassView
from accounts.api.views.administration.client_roles import ClientRolesView, ClientRoleView
from accounts.api.views.administration.factor_resets import FactorResetView
from accounts.api.views.administration.user_actions import ACTION_VIEWS
from accounts.api.views.administration.user_roles import UserRolesView, UserRoleView
from accounts.api.views.administration.user_sessions import UserSessionsView, UserSessionView
from accounts.api.views.administration.users import UsersView, UserView
from accounts.api.views.factors.enrolled_factors import MfaView, RecoveryCodesView, TotpActivationView, TotpView
from accounts.api.views.factors.mailed_code import MailedCodeView
from accounts.api.views.factors.second_factors import MfaVerifyView, ReauthenticateView, ReauthenticationOptionsView
from accounts.api.views.factors.webauthn import KeyOptionsView, KeysView, KeyView, PasskeyLoginView, PasskeyOptionsView
from accounts.api.views.mailing.mailed_links import (
    AddressChangeView,
    ConfirmEmailView,
    ForgotPasswordView,
    ResendConfirmationView,
    ResetPasswordView,
)
from accounts.api.views.profile.personal_data import ActivityView, ExportView
from accounts.api.views.profile.profile import MeView
from accounts.api.views.sign_in.password_sign_in import LoginView
from accounts.api.views.sign_in.passwords import ChangePasswordView
from accounts.api.views.sign_in.registration import RegisterView
from accounts.api.views.social.connections import (
    SocialAccountsView,
    SocialAccountView,
    SocialLinkView,
    SocialReauthenticateView,
)
from accounts.api.views.social.provider_sign_in import (
    SocialAuthorizeView,
    SocialCallbackView,
    SocialProvidersView,
    SocialTokenView,
)

urlpatterns = [
    # First, because it is called most and Django tries the routes in this order: 20 routes take 3 % of the call.
    path("auth/me", MeView.as_view(), name="me"),
    path("auth/register", RegisterView.as_view(), name="register"),
    path("auth/confirm-email", ConfirmEmailView.as_view(), name="confirm-email"),
    path("auth/resend-confirmation", ResendConfirmationView.as_view(), name="resend-confirmation"),
    path("auth/forgot-password", ForgotPasswordView.as_view(), name="forgot-password"),
    path("auth/reset-password", ResetPasswordView.as_view(), name="reset-password"),
    path("auth/login", LoginView.as_view(), name="login"),
    path("auth/reauthenticate", ReauthenticateView.as_view(), name="reauthenticate"),
    path("auth/reauthenticate/options", ReauthenticationOptionsView.as_view(), name="reauthentication-options"),
    path("auth/reauthenticate/mailed-code", MailedCodeView.as_view(), name="reauthentication-mailed-code"),
    path("auth/mfa", MfaView.as_view(), name="mfa"),
    path("auth/mfa/verify", MfaVerifyView.as_view(), name="mfa-verify"),
    path("auth/mfa/totp", TotpView.as_view(), name="totp"),
    path("auth/mfa/totp/activate", TotpActivationView.as_view(), name="totp-activate"),
    path("auth/mfa/recovery-codes", RecoveryCodesView.as_view(), name="recovery-codes"),
    path("auth/mfa/webauthn/options", KeyOptionsView.as_view(), name="webauthn-options"),
    path("auth/mfa/webauthn", KeysView.as_view(), name="webauthn"),
    path("auth/mfa/webauthn/<uuid:key_id>", KeyView.as_view(), name="webauthn-key"),
    path("auth/passkey/options", PasskeyOptionsView.as_view(), name="passkey-options"),
    path("auth/passkey/login", PasskeyLoginView.as_view(), name="passkey-login"),
    path("auth/change-password", ChangePasswordView.as_view(), name="change-password"),
    path("auth/me/email", AddressChangeView.as_view(), name="change-email"),
    path("auth/social/providers", SocialProvidersView.as_view(), name="social-providers"),
    path("auth/social/accounts", SocialAccountsView.as_view(), name="social-accounts"),
    path("auth/social/accounts/<uuid:account_id>", SocialAccountView.as_view(), name="social-account"),
    path("auth/social/<str:provider>/authorize", SocialAuthorizeView.as_view(), name="social-authorize"),
    path("auth/social/<str:provider>/callback", SocialCallbackView.as_view(), name="social-callback"),
    path("auth/social/<str:provider>/token", SocialTokenView.as_view(), name="social-token"),
    path("auth/social/<str:provider>/link", SocialLinkView.as_view(), name="social-link"),
    path("auth/social/<str:provider>/reauthenticate", SocialReauthenticateView.as_view(), name="social-reauthenticate"),
    path("auth/me/export", ExportView.as_view(), name="export-me"),
    path("auth/me/security-events", ActivityView.as_view(), name="my-security-events"),
    path("admin/break-glass", BreakGlassView.as_view(), name="break-glass"),
    path("admin/users", UsersView.as_view(), name="users"),
    path("admin/users/<uuid:user_id>", UserView.as_view(), name="user"),
    path("admin/users/<uuid:user_id>/sessions", UserSessionsView.as_view(), name="user-sessions"),
    path("admin/users/<uuid:user_id>/sessions/<uuid:session_id>", UserSessionView.as_view(), name="user-session"),
    path("admin/users/<uuid:user_id>/roles", UserRolesView.as_view(), name="user-roles"),
    path("admin/users/<uuid:user_id>/roles/<str:role>", UserRoleView.as_view(), name="user-role"),
    path("admin/service-clients/<uuid:client_id>/roles", ClientRolesView.as_view(), name="service-client-roles"),
    path(
        "admin/service-clients/<uuid:client_id>/roles/<str:role>", ClientRoleView.as_view(), name="service-client-role"
    ),
    path("admin/users/<uuid:user_id>/second-factor-reset", FactorResetView.as_view(), name="user-factor-reset"),
    *(
        path(f"admin/users/<uuid:user_id>/{name}", view.as_view(), name=f"user-action-{name}")
        for name, view in ACTION_VIEWS.items()
    ),
]
