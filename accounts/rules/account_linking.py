"""Decide whether a provider account is linked to an account with the same address.

An address links two accounts only if both sides have verified it. Everything else lets attackers take over accounts
before their owners register (Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022).
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from accounts.identifiers.domains import ascii_domain
from accounts.identifiers.names import fold_email


class ProviderTrust(Enum):
    """How far the operator's configuration trusts a provider for an address."""

    NONE = auto()  # what it says about addresses is ignored
    VERIFIED_CLAIM = auto()  # an address is verified if the provider says so
    DOMAIN_OWNER = auto()  # the provider runs the address's domain, so the address is verified in any case


class LocalAccountState(Enum):
    """The account here that has the address."""

    NONE = auto()
    UNCONFIRMED = auto()  # its address was never proved
    CONFIRMED = auto()
    DISABLED = auto()
    DELETED = auto()  # not erased yet, so it still has its address


class LinkingAction(Enum):
    """What is done at the first sign-in by a provider account that is linked to no account."""

    OPEN_ACCOUNT = auto()
    LINK = auto()
    # The owner of the address gets the account; all credentials of the person who registered it are removed.
    RECLAIM = auto()
    REFUSE_UNVERIFIED = auto()
    REFUSE_CLOSED = auto()


_UNVERIFIED = dict.fromkeys(LocalAccountState, LinkingAction.REFUSE_UNVERIFIED)
_VERIFIED = {
    LocalAccountState.NONE: LinkingAction.OPEN_ACCOUNT,
    LocalAccountState.UNCONFIRMED: LinkingAction.RECLAIM,
    LocalAccountState.CONFIRMED: LinkingAction.LINK,
    LocalAccountState.DISABLED: LinkingAction.REFUSE_CLOSED,
    LocalAccountState.DELETED: LinkingAction.REFUSE_CLOSED,
}
# The outer key: whether the provider says that it has verified the address, and how far it is trusted. Without
# verification the result is the same for all accounts, so that an invented address reveals nothing.
LINKING_TABLE: Mapping[tuple[bool, ProviderTrust], Mapping[LocalAccountState, LinkingAction]] = MappingProxyType(
    {
        (False, ProviderTrust.NONE): _UNVERIFIED,
        (True, ProviderTrust.NONE): _UNVERIFIED,
        (False, ProviderTrust.VERIFIED_CLAIM): _UNVERIFIED,
        (True, ProviderTrust.VERIFIED_CLAIM): _VERIFIED,
        (False, ProviderTrust.DOMAIN_OWNER): _VERIFIED,
        (True, ProviderTrust.DOMAIN_OWNER): _VERIFIED,
    }
)


def provider_trust(trusted_for_email: bool | tuple[str, ...] | None, email: str) -> ProviderTrust:
    """Return how far a provider is trusted for an address, by ``trusted_for_email`` of its configuration."""
    if trusted_for_email is False:
        return ProviderTrust.NONE
    if trusted_for_email is None:
        return ProviderTrust.VERIFIED_CLAIM
    if trusted_for_email is True:
        return ProviderTrust.DOMAIN_OWNER
    domain = fold_email(email).rpartition("@")[2]
    is_listed = domain in {ascii_domain(each.removeprefix("@")) for each in trusted_for_email}
    # With a list of domains, the provider is trusted for these only.
    return ProviderTrust.DOMAIN_OWNER if is_listed else ProviderTrust.NONE
