"""Errors of access control."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class AccessError(Exception):
    """Root of the errors of access control."""


class RuleInvalid(AccessError):
    """A member of a rule can't be what was given. ``member`` is its name, ``sentence`` says to people what is wrong."""

    def __init__(self, member: str, sentence: str | Promise) -> None:
        super().__init__(f"{member}: {sentence}")
        self.member, self.sentence = member, sentence


class RolesInvalid(AccessError):
    """The roles don't fit together: a cycle, a chain that is too long, or a parent that does not exist."""

    def __init__(self, role: str, sentence: str | Promise) -> None:
        super().__init__(f"{role}: {sentence}")
        self.role, self.sentence = role, sentence


NOT_A_PATH = _(
    "An object is a path of 1 to 32 segments such as documents/42, without empty ones, '.', '..' and control "
    "characters, of at most 512 characters."
)
NOT_A_PATTERN = _(
    "A pattern is a path. A segment * stands for any one segment, and ** at the end for one or more; neither is a part "
    "of a segment."
)


class RuleNotFound(AccessError):
    """There is no rule of this id."""


class RoleNotFound(AccessError):
    """There is no role of this name."""


class GrantNotFound(AccessError):
    """The subject does not have this role."""


class VersionNotFound(AccessError):
    """There is no version of this number."""


class RuleExists(AccessError):
    """There is a rule that says the same already; ``rule_id`` is its id."""

    def __init__(self, rule_id: str) -> None:
        super().__init__(rule_id)
        self.rule_id = rule_id


class VersionMismatch(AccessError):
    """What is to be changed is no longer of the version that the caller saw (RFC 9110, 13.1.1)."""


class RoleInUse(AccessError):
    """The role can't be deleted: somebody has it, or a role inherits from it, or a rule is about it."""


class SeparationOfDuty(AccessError):
    """Nobody may have these two roles together. ``roles`` are their names."""

    def __init__(self, roles: tuple[str, str]) -> None:
        super().__init__(" ".join(roles))
        self.roles = roles


class LastAdministrator(AccessError):
    """After the change nobody could administer access any more."""


class PolicyUnavailable(AccessError):
    """The version that the caller waits for is not known here yet."""
