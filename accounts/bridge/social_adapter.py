"""The social account adapter of allauth (``SOCIALACCOUNT_ADAPTER``)."""

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter

from accounts.providers.transport import BoundedSession


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no type hints
    """Let allauth create no accounts, and limit each call that it makes to a provider."""

    def is_open_for_signup(self, request: Any, sociallogin: Any) -> bool:
        return False

    def get_requests_session(self) -> BoundedSession:
        return BoundedSession()
