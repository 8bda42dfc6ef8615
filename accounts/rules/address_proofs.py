"""The effect of a proof that an e-mail address belongs to a person: one table, for the service and its test.

An unconfirmed address may have been registered by somebody else than its owner. That person chose the password, and may
have added credentials to come back with (Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022). So the
first proof removes all credentials, unless the person also proves to be the account's holder: by a browser that has
registered or signed in, or by the account's password.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType


class AddressProof(Enum):
    """The ways to prove that mail to an address reaches a person."""

    CONFIRMATION_LINK = auto()  # the mailed link alone
    CONFIRMATION_LINK_BY_HOLDER = auto()  # the link, and the account's browser or password
    RESET_LINK = auto()  # comes with a new password
    CHANGE_LINK = auto()  # the link to the new address of an account, alone
    CHANGE_LINK_BY_HOLDER = auto()
    PROVIDER = auto()  # a sign-in at a provider that is trusted for the address
    TAKEOVER_REPORT = auto()  # the link of a notice that was mailed to the address
    IMPORT = auto()  # the dump of another system says that the address is confirmed
    OPERATOR = auto()  # an operator creates an administrator


class AddressState(Enum):
    """The account or registration that has the address; for a change, the account that gets it."""

    PENDING = auto()  # a registration that is not confirmed, and no account
    UNCONFIRMED = auto()
    CONFIRMED = auto()
    DISABLED = auto()
    DELETED_UNCONFIRMED = auto()
    DELETED = auto()  # until the erasure the account keeps its address


class ProofEffect(Enum):
    """What a proof does to the account."""

    KEEP_EVERYTHING = auto()
    REMOVE_PASSWORD = auto()  # a new password, and all sessions end; a second factor is still required
    REMOVE_RECENT = auto()  # password, sessions, and all that was added since the reported notice
    REMOVE_EVERYTHING = auto()
    REJECT = auto()  # the proof changes nothing


class Credential(Enum):
    """What gives access to an account. New kinds must be added here and in ``_REMOVED``."""

    PASSWORD = auto()  # known devices and clients depend on it and are forgotten with it
    PASSWORD_HISTORY = auto()
    SESSIONS = auto()
    FACTORS = auto()  # authenticator apps, keys, passkeys, recovery codes, and unfinished sign-ins and enrolments
    CONNECTIONS = auto()  # accounts at providers
    AUTHORIZATIONS = auto()  # unfinished sign-ins at providers that were started in a session
    MAILED_LINKS = auto()


_CLOSED = {
    AddressState.DISABLED: ProofEffect.REJECT,
    AddressState.DELETED_UNCONFIRMED: ProofEffect.REJECT,
    AddressState.DELETED: ProofEffect.REJECT,
}
# The address belongs to an account. An import or a command must not take it away.
_ONLY_NEW = {AddressState.UNCONFIRMED: ProofEffect.REJECT, AddressState.CONFIRMED: ProofEffect.REJECT, **_CLOSED}

EFFECTS: Mapping[AddressProof, Mapping[AddressState, ProofEffect]] = MappingProxyType(
    {
        # A pending registration has a username, a password and nothing else. Only its own link can turn it into an
        # account. After the other proofs another account has the address, and the registration expires.
        AddressProof.CONFIRMATION_LINK: {
            AddressState.PENDING: ProofEffect.REMOVE_EVERYTHING,
            AddressState.UNCONFIRMED: ProofEffect.REMOVE_EVERYTHING,
            AddressState.CONFIRMED: ProofEffect.KEEP_EVERYTHING,
            **_CLOSED,
        },
        AddressProof.CONFIRMATION_LINK_BY_HOLDER: {
            AddressState.PENDING: ProofEffect.KEEP_EVERYTHING,
            AddressState.UNCONFIRMED: ProofEffect.KEEP_EVERYTHING,
            AddressState.CONFIRMED: ProofEffect.KEEP_EVERYTHING,
            **_CLOSED,
        },
        # Once the address is confirmed, a mailbox alone must not replace a second factor (OWASP ASVS 5.0, 6.4.4).
        AddressProof.RESET_LINK: {
            AddressState.PENDING: ProofEffect.REJECT,
            AddressState.UNCONFIRMED: ProofEffect.REMOVE_EVERYTHING,
            AddressState.CONFIRMED: ProofEffect.REMOVE_PASSWORD,
            **_CLOSED,
        },
        # Anybody can request a change to another person's address. That person must not complete it by the link.
        AddressProof.CHANGE_LINK: {
            AddressState.PENDING: ProofEffect.REJECT,
            AddressState.UNCONFIRMED: ProofEffect.REJECT,
            AddressState.CONFIRMED: ProofEffect.REJECT,
            **_CLOSED,
        },
        AddressProof.CHANGE_LINK_BY_HOLDER: {
            AddressState.PENDING: ProofEffect.REJECT,
            AddressState.UNCONFIRMED: ProofEffect.KEEP_EVERYTHING,
            AddressState.CONFIRMED: ProofEffect.KEEP_EVERYTHING,
            **_CLOSED,
        },
        AddressProof.PROVIDER: {
            AddressState.PENDING: ProofEffect.REMOVE_EVERYTHING,
            AddressState.UNCONFIRMED: ProofEffect.REMOVE_EVERYTHING,
            AddressState.CONFIRMED: ProofEffect.KEEP_EVERYTHING,
            **_CLOSED,
        },
        # An intruder may have deleted the account, so that deleted accounts can be reported, too.
        AddressProof.TAKEOVER_REPORT: {
            AddressState.PENDING: ProofEffect.REJECT,
            AddressState.UNCONFIRMED: ProofEffect.REMOVE_EVERYTHING,
            AddressState.CONFIRMED: ProofEffect.REMOVE_RECENT,
            AddressState.DISABLED: ProofEffect.REJECT,
            AddressState.DELETED_UNCONFIRMED: ProofEffect.REMOVE_EVERYTHING,
            AddressState.DELETED: ProofEffect.REMOVE_RECENT,
        },
        AddressProof.IMPORT: {AddressState.PENDING: ProofEffect.REMOVE_EVERYTHING, **_ONLY_NEW},
        AddressProof.OPERATOR: {AddressState.PENDING: ProofEffect.REMOVE_EVERYTHING, **_ONLY_NEW},
    }
)

_REMOVED: Mapping[ProofEffect, frozenset[Credential]] = MappingProxyType(
    {
        ProofEffect.KEEP_EVERYTHING: frozenset(),
        ProofEffect.REMOVE_PASSWORD: frozenset({Credential.PASSWORD, Credential.SESSIONS}),
        ProofEffect.REMOVE_RECENT: frozenset(
            {
                Credential.PASSWORD,
                Credential.SESSIONS,
                Credential.FACTORS,
                Credential.CONNECTIONS,
                Credential.AUTHORIZATIONS,
            }
        ),
        ProofEffect.REMOVE_EVERYTHING: frozenset(Credential),
        ProofEffect.REJECT: frozenset(),
    }
)


def removed_credentials(effect: ProofEffect) -> frozenset[Credential]:
    """Return the credentials that an effect removes."""
    return _REMOVED[effect]


def address_state(*, is_active: bool, is_deleted: bool, is_confirmed: bool) -> AddressState:
    """Return the state of an account."""
    if not is_active:
        return AddressState.DISABLED
    if is_deleted:
        return AddressState.DELETED if is_confirmed else AddressState.DELETED_UNCONFIRMED
    return AddressState.CONFIRMED if is_confirmed else AddressState.UNCONFIRMED
