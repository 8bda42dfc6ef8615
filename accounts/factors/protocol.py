"""What a module of this package has to offer to be a second factor, and what its owner sees of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from allauth.mfa.models import Authenticator

from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import User


@dataclass(frozen=True, slots=True)
class EnrolledFactor:
    """One factor as its owner sees it. ``name`` is the owner's name for a security key, and empty otherwise."""

    id: UUID
    type: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    is_passkey: bool = False
    is_synchronised: bool = False


class SecondFactor(Protocol):
    """One kind of second factor. ``accounts.factors.registry`` lists the modules that implement it.

    allauth's ``Authenticator`` holds one row for each factor of a user; what allauth does not keep is in our models.
    """

    # Whether it only substitutes for another factor. It is then removed with the last other factor.
    IS_SUBSTITUTE: bool
    # Whether a response has so few digits that the wrong ones of all unknown clients are counted together.
    IS_GUESSABLE: bool

    def describe(self, rows: Sequence[Authenticator]) -> Mapping[int, EnrolledFactor]:
        """Return what the owner of ``rows`` sees, by the primary key of the row; leave out rows without our part."""

    def verify(self, *, user: User, response: Any, binding: ChallengeBinding, now: datetime) -> list[str]:
        """Check a response, make sure that it is accepted only once, and return the ``amr`` values (RFC 8176).

        The caller holds a lock on the user's row.

        Raises: MfaCodeInvalid or a subclass.
        """

    def remove(self, *, user_id: UUID, factor_id: UUID) -> bool:
        """Delete one factor with its secrets; ``False`` when the user has no such factor."""
