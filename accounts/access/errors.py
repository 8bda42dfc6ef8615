"""Errors of access control."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class AccessError(Exception):
    """Root of the errors of access control."""


class RuleInvalid(AccessError):
    """A member of a rule can't be what was given. ``member`` is its name, ``sentence`` says to people what is wrong.

    ``code`` says to programs what is wrong: ``invalid``, ``required``, ``max_length`` or ``unknown_field``.
    """

    def __init__(self, member: str, sentence: str | Promise, *, code: str = "invalid") -> None:
        super().__init__(f"{member}: {sentence}")
        self.member, self.sentence, self.code = member, sentence, code


class RolesInvalid(AccessError):
    """The roles don't fit together: a cycle, a chain that is too long, or a parent that does not exist.

    ``member`` is the member of the role ``role`` that is wrong.
    """

    code = "invalid"

    def __init__(self, role: str, sentence: str | Promise, *, member: str = "parents") -> None:
        super().__init__(f"{role}: {sentence}")
        self.role, self.sentence, self.member = role, sentence, member


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
    """There is no role of this name. ``member`` is the member of a rule or of a role that names it, if one does."""

    def __init__(self, role: str = "", *, member: str = "") -> None:
        super().__init__(role)
        self.role, self.member = role, member


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


class VersionRequired(AccessError):
    """What is to be changed exists, and the caller does not say which version of it was seen (RFC 6585, 3)."""


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


class IdempotencyKeyInvalid(AccessError):
    """The key of a request is empty, too long, or has characters that no key has."""


class IdempotencyKeyReused(AccessError):
    """The caller sent this key with another request before."""


class RequestInProgress(AccessError):
    """A request with the same key is still running."""


class DraftNotFound(AccessError):
    """There is no draft of this id."""


class StaleDraft(AccessError):
    """Rules or roles were changed since the draft was made, or the draft was applied already."""


class OwnDraft(AccessError):
    """Nobody approves a draft of their own."""


class NotApprover(AccessError):
    """Only a person who may approve drafts can; a service client can't."""


class NotDraftAuthor(AccessError):
    """Only its author may change a draft: an approver who changed it would approve a change of their own."""


class ApprovalMissing(AccessError):
    """The draft needs further approvals before it can be applied; ``missing`` is how many."""

    def __init__(self, missing: int) -> None:
        super().__init__(str(missing))
        self.missing = missing


class ApprovalRequired(AccessError):
    """Rules and roles are changed by approved drafts only (``APPROVERS``)."""


class ShadowInUse(AccessError):
    """Another draft is evaluated beside the policy; one at a time can be."""


class ImpactBusy(AccessError):
    """This process computes the impact of another draft; one at a time can be."""
