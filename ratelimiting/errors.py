"""Refusals of this app."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from cedrina_base.errors import AppError


class RateLimitingError(AppError):
    """Root of this app's refusals: the class informs the trail, the code the caller."""

    code = "validation_error"
    message = _("The policy can't be changed.")


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a policy: in which policy of which source, in which member, and what is allowed there."""

    member: str
    code: str
    message: str
    policy: str = ""
    source: str = ""

    def __str__(self) -> str:
        return f"{self.source}: policy {self.policy!r}, {self.member}: {self.message}"


class PolicyInvalid(RateLimitingError):
    """A policy that can't be applied as it is written."""

    message = _("The policy is not valid.")

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__()
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return " ".join(map(str, self.faults))


class PolicyNotFound(RateLimitingError):
    """There is no policy of that id."""

    code = "not_found"
    message = _("There is no such policy.")


class VersionNotFound(RateLimitingError):
    """There is no version of that number to go back to."""

    code = "not_found"
    message = _("There is no such version.")


class PolicyNameTaken(RateLimitingError):
    """A policy of that name is stored already."""

    code = "already_exists"
    message = _("A policy of this name exists already.")


class PolicyChanged(RateLimitingError):
    """Somebody changed the policy since the caller read it (RFC 9110, 15.5.13)."""

    code = "version_mismatch"
    message = _("The policy was changed in the meantime. Read it again.")
