"""allauth's questions about providers, answered by ours."""

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter

from accounts.providers.transport import BoundedSession


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # it brings no types
    """Opens no accounts, and has every call to a provider made within bounds."""

    def is_open_for_signup(self, request: Any, sociallogin: Any) -> bool:
        return False

    def get_requests_session(self) -> BoundedSession:
        return BoundedSession()
