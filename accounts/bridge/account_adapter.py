"""allauth's questions about accounts, answered by ours."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # it brings no types
    """Opens no accounts and sends no mail: our services do."""

    def is_open_for_signup(self, request: Any) -> bool:
        return False

    def get_client_ip(self, request: Any) -> str:
        address: str = getattr(request, "client_ip", None) or ""
        return address

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send nothing: what people are told is composed in ``accounts.services.mailing.mail_queue``."""
