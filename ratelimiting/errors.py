"""Why a change of a policy is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from cedrina_base.errors import AppError


class RateLimitingError(AppError):
    """Root of this app's refusals."""

    code = "validation_error"
    message = _("The policy can't be changed.")


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a policy: the policy and its source, the member, and what is allowed there."""

    member: str
    code: str
    message: str
    policy: str = ""
    source: str = ""

    def __str__(self) -> str:
        return f"{self.source}: policy {self.policy!r}, {self.member}: {self.message}"


class PolicyInvalid(RateLimitingError):
    """A policy does not satisfy the schema; ``faults`` has every mistake."""

    message = _("The policy is not valid.")

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__()
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return " ".join(map(str, self.faults))


class PolicyNotFound(RateLimitingError):
    """No stored policy has this id."""

    code = "not_found"
    message = _("There is no such policy.")


class VersionNotFound(RateLimitingError):
    """No version has this number."""

    code = "not_found"
    message = _("There is no such version.")


class PolicyNameTaken(RateLimitingError):
    """A stored policy has this name already."""

    code = "already_exists"
    message = _("A policy of this name exists already.")


class PolicyChanged(RateLimitingError):
    """The policy was changed since the client read it (RFC 9110, 15.5.13)."""

    code = "version_mismatch"
    message = _("The policy was changed in the meantime. Read it again.")
