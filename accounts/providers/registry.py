"""Which providers there are, from the setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.conf import account_settings
from accounts.errors import NotFound

FACEBOOK = "facebook"
_SCOPES = {FACEBOOK: ("email", "public_profile")}
_OPENID_SCOPES = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider as the operator configured it.

    ``trusted_for_email`` says whose addresses it may vouch for: ``True`` for all and a list for those domains, with or
    without a word of its own; ``False`` for none, whatever it says; ``None`` for those that it says it verified.
    """

    id: str
    kind: str
    name: str
    client_id: str
    issuer: str
    secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    token_audiences: tuple[str, ...] = ()
    trusted_for_email: bool | tuple[str, ...] | None = None
    store_tokens: bool = False
    graph_url: str = ""

    @property
    def is_facebook(self) -> bool:
        """Whether it is the one that speaks OAuth of its own kind instead of OpenID Connect."""
        return self.kind == FACEBOOK

    @property
    def audiences(self) -> frozenset[str]:
        """Return the client ids that its tokens may be for: ours and those of our applications."""
        return frozenset({self.client_id, *self.token_audiences})


def all_providers() -> tuple[Provider, ...]:
    """Return the providers in the order of the setting."""
    return tuple(_provider(entry) for entry in account_settings.SOCIAL_PROVIDERS)


def find(provider_id: str) -> Provider:
    """Return one provider.

    Raises: NotThere.
    """
    for provider in all_providers():
        if provider.id == provider_id:
            return provider
    raise NotFound(provider=provider_id)


def display_name(provider_id: str) -> str:
    """Return what people call a provider, also one that is not configured any more."""
    return next((provider.name for provider in all_providers() if provider.id == provider_id), provider_id)


def _provider(entry: Mapping[str, Any]) -> Provider:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    values.setdefault("scopes", _SCOPES.get(entry["kind"], _OPENID_SCOPES))
    return Provider(**values)
