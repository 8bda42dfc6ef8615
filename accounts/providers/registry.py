"""The providers that people may sign in with, from ``ACCOUNTS["SOCIAL_PROVIDERS"]``."""

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

    ``trusted_for_email`` says which addresses count as verified: ``True`` all, a list those of its domains, whatever
    the provider says of them; ``False`` none; ``None`` those of which the provider says that it verified them.
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
        """Whether it is Facebook, whose OAuth is not OpenID Connect."""
        return self.kind == FACEBOOK

    @property
    def audiences(self) -> frozenset[str]:
        """Return the client ids that an ID token may be issued for: ours and those of our applications."""
        return frozenset({self.client_id, *self.token_audiences})


def all_providers() -> tuple[Provider, ...]:
    """Return the providers in the order of the setting."""
    return tuple(_provider(entry) for entry in account_settings.SOCIAL_PROVIDERS)


def find(provider_id: str) -> Provider:
    """Return one provider.

    Raises: NotFound.
    """
    for provider in all_providers():
        if provider.id == provider_id:
            return provider
    raise NotFound(provider=provider_id)


def display_name(provider_id: str) -> str:
    """Return the name of a provider for people; of one that is no longer configured, its id."""
    return next((provider.name for provider in all_providers() if provider.id == provider_id), provider_id)


def _provider(entry: Mapping[str, Any]) -> Provider:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    values.setdefault("scopes", _SCOPES.get(entry["kind"], _OPENID_SCOPES))
    return Provider(**values)
