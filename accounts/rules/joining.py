"""May an account of a provider be joined to an account here? One table, read by the service and by its test.

An address joins two accounts only where both sides know whose it is. Everything else is how accounts are hijacked
before their owners come (Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022).
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from accounts.domains import ascii_domain
from accounts.identifiers import fold_email


class Authority(Enum):
    """What the provider's word on an address is worth, by the operator's configuration."""

    NONE = auto()  # it may say what it likes
    ITS_WORD = auto()  # an address is verified when it says so
    OWNER = auto()  # the address's domain is its own: it need not even say so


class LocalAccount(Enum):
    """The account here that has the address."""

    NONE = auto()
    UNCONFIRMED = auto()  # whoever registered it never showed that the address is theirs
    CONFIRMED = auto()
    DISABLED = auto()
    DELETED = auto()  # waits for its erasure, and keeps its address until then


class Action(Enum):
    """What is done with somebody whom the provider knows and nobody here is connected to."""

    OPEN_ACCOUNT = auto()
    LINK = auto()
    # The account goes to the address's owner; whoever registered it loses everything by which they could come back.
    RECLAIM = auto()
    REFUSE_UNVERIFIED = auto()
    REFUSE_CLOSED = auto()


_UNVERIFIED = dict.fromkeys(LocalAccount, Action.REFUSE_UNVERIFIED)
_VERIFIED = {
    LocalAccount.NONE: Action.OPEN_ACCOUNT,
    LocalAccount.UNCONFIRMED: Action.RECLAIM,
    LocalAccount.CONFIRMED: Action.LINK,
    LocalAccount.DISABLED: Action.REFUSE_CLOSED,
    LocalAccount.DELETED: Action.REFUSE_CLOSED,
}
# (the provider says that it verified the address, what that is worth): the account here: what is done. Without
# verification the answer is the same whoever has the address, so that nobody finds out by an invented one.
TABLE: Mapping[tuple[bool, Authority], Mapping[LocalAccount, Action]] = MappingProxyType(
    {
        (False, Authority.NONE): _UNVERIFIED,
        (True, Authority.NONE): _UNVERIFIED,
        (False, Authority.ITS_WORD): _UNVERIFIED,
        (True, Authority.ITS_WORD): _VERIFIED,
        (False, Authority.OWNER): _VERIFIED,
        (True, Authority.OWNER): _VERIFIED,
    }
)


def authority(trusted_for_email: bool | tuple[str, ...] | None, email: str) -> Authority:
    """Return what a provider's word is worth for an address, by the member of its configuration."""
    if trusted_for_email is False:
        return Authority.NONE
    if trusted_for_email is None:
        return Authority.ITS_WORD
    if trusted_for_email is True:
        return Authority.OWNER
    domain = fold_email(email).rpartition("@")[2]
    is_its_own = domain in {ascii_domain(each.removeprefix("@")) for each in trusted_for_email}
    # Whoever lists domains means these alone.
    return Authority.OWNER if is_its_own else Authority.NONE
