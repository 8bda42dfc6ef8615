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
