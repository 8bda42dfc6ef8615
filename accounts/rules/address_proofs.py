"""What somebody finds in an account whose address they prove to be theirs: one table, for the service and its test.

An address that nobody has proved yet may have been given by somebody else than its owner, who chose the password and
added whatever lets them come back (Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022). So the first
proof keeps nothing, unless the same person shows to be the account's holder: by the browser that registered or signed
in, or by the account's password.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType


class Proof(Enum):
    """The way in which somebody shows that mail to an address reaches them."""

    CONFIRMATION_LINK = auto()  # the mailed link alone
    CONFIRMATION_LINK_BY_HOLDER = auto()
    RESET_LINK = auto()  # brings a new password along
    CHANGE_LINK = auto()  # the link to the new address of an account, alone
    CHANGE_LINK_BY_HOLDER = auto()
    PROVIDER = auto()  # a sign-in at a provider that is trusted for the address
    TAKEOVER_REPORT = auto()  # the link of a notice that went to the address
    IMPORT = auto()  # the dump of another system says so
    OPERATOR = auto()  # an operator makes an administrator


class State(Enum):
    """What there is with the address, or, where an address changes, the account that it becomes the address of."""

    PENDING = auto()  # a registration that waits for its confirmation, and no account
    UNCONFIRMED = auto()
    CONFIRMED = auto()
    DISABLED = auto()
    DELETED_UNCONFIRMED = auto()
    DELETED = auto()  # waits for its erasure, with its address


class Kept(Enum):
    """What stays of the account."""

    EVERYTHING = auto()
    ALL_BUT_PASSWORD = auto()  # a new password, no session; who has a second factor still needs it
    WHAT_WAS_BEFORE = auto()  # before the notice that was reported: neither password nor session, nor what came since
    NOTHING = auto()
    REFUSED = auto()  # the proof changes nothing at all


class Credential(Enum):
    """By what somebody can come back to an account. What is added to the product is added here, and in ``_REMOVED``."""

    PASSWORD = auto()  # the devices and places that are known by it go with it
    PASSWORD_HISTORY = auto()
    SESSIONS = auto()
    FACTORS = auto()  # applications, keys, passkeys, recovery codes, and sign-ins and enrolments under way
    CONNECTIONS = auto()  # accounts of providers
    AUTHORIZATIONS = auto()  # sign-ins at providers that were begun in a session
    MAILED_LINKS = auto()


_CLOSED = {
    State.DISABLED: Kept.REFUSED,
    State.DELETED_UNCONFIRMED: Kept.REFUSED,
    State.DELETED: Kept.REFUSED,
}
# Somebody has the address, or the command would have to take it from them.
_ONLY_NEW = {State.UNCONFIRMED: Kept.REFUSED, State.CONFIRMED: Kept.REFUSED, **_CLOSED}

TABLE: Mapping[Proof, Mapping[State, Kept]] = MappingProxyType(
    {
        # A pending registration has a name, a password and nothing else. Only its own link opens it: by the other
        # proofs its address comes to another account, and the registration expires.
        Proof.CONFIRMATION_LINK: {
            State.PENDING: Kept.NOTHING,
            State.UNCONFIRMED: Kept.NOTHING,
            State.CONFIRMED: Kept.EVERYTHING,
            **_CLOSED,
        },
        Proof.CONFIRMATION_LINK_BY_HOLDER: {
            State.PENDING: Kept.EVERYTHING,
            State.UNCONFIRMED: Kept.EVERYTHING,
            State.CONFIRMED: Kept.EVERYTHING,
            **_CLOSED,
        },
        # A mailbox alone opens no account with a second factor (OWASP ASVS 5.0, 6.4.4), once its address is proved.
        Proof.RESET_LINK: {
            State.PENDING: Kept.REFUSED,
            State.UNCONFIRMED: Kept.NOTHING,
            State.CONFIRMED: Kept.ALL_BUT_PASSWORD,
            **_CLOSED,
        },
        # Anybody can name somebody else's address as their new one. The owner, who clicks, must not give it to them.
        Proof.CHANGE_LINK: {
            State.PENDING: Kept.REFUSED,
            State.UNCONFIRMED: Kept.REFUSED,
            State.CONFIRMED: Kept.REFUSED,
            **_CLOSED,
        },
        Proof.CHANGE_LINK_BY_HOLDER: {
            State.PENDING: Kept.REFUSED,
            State.UNCONFIRMED: Kept.EVERYTHING,
            State.CONFIRMED: Kept.EVERYTHING,
            **_CLOSED,
        },
        Proof.PROVIDER: {
            State.PENDING: Kept.NOTHING,
            State.UNCONFIRMED: Kept.NOTHING,
            State.CONFIRMED: Kept.EVERYTHING,
            **_CLOSED,
        },
        # An intruder may have deleted the account.
        Proof.TAKEOVER_REPORT: {
            State.PENDING: Kept.REFUSED,
            State.UNCONFIRMED: Kept.NOTHING,
            State.CONFIRMED: Kept.WHAT_WAS_BEFORE,
            State.DISABLED: Kept.REFUSED,
            State.DELETED_UNCONFIRMED: Kept.NOTHING,
            State.DELETED: Kept.WHAT_WAS_BEFORE,
        },
        Proof.IMPORT: {State.PENDING: Kept.NOTHING, **_ONLY_NEW},
        Proof.OPERATOR: {State.PENDING: Kept.NOTHING, **_ONLY_NEW},
    }
)

_REMOVED: Mapping[Kept, frozenset[Credential]] = MappingProxyType(
    {
        Kept.EVERYTHING: frozenset(),
        Kept.ALL_BUT_PASSWORD: frozenset({Credential.PASSWORD, Credential.SESSIONS}),
        Kept.WHAT_WAS_BEFORE: frozenset(
            {
                Credential.PASSWORD,
                Credential.SESSIONS,
                Credential.FACTORS,
                Credential.CONNECTIONS,
                Credential.AUTHORIZATIONS,
            }
        ),
        Kept.NOTHING: frozenset(Credential),
        Kept.REFUSED: frozenset(),
    }
)


def removed(kept: Kept) -> frozenset[Credential]:
    """Return which credentials go, where so much stays."""
    return _REMOVED[kept]


def state(*, is_active: bool, is_deleted: bool, is_confirmed: bool) -> State:
    """Return the state of an account."""
    if not is_active:
        return State.DISABLED
    if is_deleted:
        return State.DELETED if is_confirmed else State.DELETED_UNCONFIRMED
    return State.CONFIRMED if is_confirmed else State.UNCONFIRMED
