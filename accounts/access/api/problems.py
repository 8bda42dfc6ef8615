"""The HTTP status of each error of this app."""

from django.utils.encoding import force_str
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from accounts.access import errors

IDEMPOTENCY_KEY = "Idempotency-Key"
_GONE = _("There is nothing here.")

# The status, the code and the sentence of errors that are about no member of the request.
_PROBLEMS: dict[type[errors.AccessError], tuple[int, str, str | Promise]] = {
    errors.RuleNotFound: (404, "not_found", _GONE),
    errors.RoleNotFound: (404, "not_found", _GONE),
    errors.GrantNotFound: (404, "not_found", _GONE),
    errors.VersionNotFound: (404, "not_found", _GONE),
    errors.RuleExists: (409, "already_exists", _("There is a rule that says the same: change that one.")),
    errors.RoleInUse: (
        409,
        "already_in_use",
        _("Somebody has this role, or a rule or a role names it. Take it from them first."),
    ),
    errors.SeparationOfDuty: (409, "separation_of_duty", _("Nobody may have these two roles together.")),
    errors.RequestInProgress: (409, "already_in_use", _("The first request with this key is still running.")),
    errors.VersionMismatch: (412, "version_mismatch", _("It was changed since you read it.")),
    errors.VersionRequired: (428, "precondition_required", _("Send the ETag of the version to change in If-Match.")),
    errors.LastAdministrator: (
        403,
        "permission_denied",
        _("After this nobody could administer access any more. Give another person the rights first."),
    ),
    errors.DraftNotFound: (404, "not_found", _GONE),
    errors.StaleDraft: (
        409,
        "stale_draft",
        _("The policy was changed since this draft was made. Change the draft to bring it up to date."),
    ),
    errors.ShadowInUse: (
        409,
        "already_in_use",
        _("Another draft is evaluated beside the policy. Wait until it ends, or switch it off."),
    ),
    errors.OwnDraft: (403, "permission_denied", _("Nobody approves a draft of their own. Ask somebody else.")),
    errors.NotApprover: (403, "permission_denied", _("Only people who may approve drafts can approve this one.")),
    errors.NotDraftAuthor: (
        403,
        "permission_denied",
        _("Only its author may change a draft. Make one of your own."),
    ),
    errors.ApprovalMissing: (403, "permission_denied", _("This draft needs the approval of further people.")),
    errors.ApprovalRequired: (
        403,
        "permission_denied",
        _("Here rules and roles are changed by approved drafts only. Make a draft, and let others approve it."),
    ),
    errors.ImpactBusy: (503, "service_unavailable", _("The impact of another draft is being computed. Try again.")),
    errors.PolicyUnavailable: (503, "service_unavailable", _("This version is not known here yet. Try again.")),
}


class AccessProblem(APIException):
    """An error of this app as DRF renders it. ``wait`` becomes ``Retry-After``, in seconds."""

    wait: int | None = None


def as_api_exception(error: errors.AccessError) -> APIException:
    """Return the API exception of an error; one about a member of the request is a 422 on that member."""
    if isinstance(error, (errors.RuleInvalid, errors.RolesInvalid)):
        return invalid_member(error.member, error.sentence, error.code)
    if isinstance(error, errors.RoleNotFound) and error.member:
        return invalid_member(error.member, _("There is no role %s.") % error.role)
    if isinstance(error, errors.IdempotencyKeyReused):
        sentence = _("This key was sent with another request. Make a new key for each request.")
        return invalid_member(IDEMPOTENCY_KEY, sentence, "idempotency_key_reused")
    if isinstance(error, errors.IdempotencyKeyInvalid):
        sentence = _("A key has 1 to 255 printable ASCII characters, such as a UUID.")
        return invalid_member(IDEMPOTENCY_KEY, sentence)
    status, code, message = next(_PROBLEMS[cls] for cls in type(error).__mro__ if cls in _PROBLEMS)
    if isinstance(error, errors.SeparationOfDuty):
        message = _("Nobody may have the roles %(first)s and %(second)s together.") % {
            "first": error.roles[0],
            "second": error.roles[1],
        }
    exc = AccessProblem(detail=force_str(message), code=code)
    exc.status_code = status
    if isinstance(error, (errors.PolicyUnavailable, errors.RequestInProgress, errors.ImpactBusy)):
        exc.wait = 1
    return exc


def invalid_member(member: str, sentence: str | Promise, code: str = "invalid") -> ValidationError:
    """Return the API exception of one member that is wrong."""
    return ValidationError({member: [ErrorDetail(force_str(sentence), code=code)]})
