"""Read the bodies of questions by hand: serializers would take more time than the decisions.

``serializers/questions.py`` describes them for the OpenAPI document.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.access.api.claims import ClaimInvalid, read_claims
from accounts.access.deciding.paths import MAX_LENGTH
from accounts.access.services.questions import Claims
from accounts.access.types import Question

Value = TypeVar("Value")

MOST_CHECKS = 100
LONGEST_SUBJECT = 150
LONGEST_ACTION = 100
LARGEST_VERSION = 10**18
_NOTHING_CLAIMED: Claims = {}
_REQUIRED = gettext_lazy("This member is required.")
_NO_TEXT = gettext_lazy("This is a text that is not empty.")
_NO_VERSION = gettext_lazy("This is the number of a version.")
_NO_MEMBER = gettext_lazy("There is no such member.")
_NO_OBJECT = gettext_lazy("This is an object with members.")
_NO_LIMIT = gettext_lazy("This is a number from 1 to 200.")
_NO_CURSOR = gettext_lazy("This is no cursor that was given out.")


class AskedQuestion(NamedTuple):
    """A question as a body has it. ``subject`` is empty for the caller."""

    subject: str
    question: Question


@dataclass(frozen=True, slots=True)
class SearchPageInput:
    """From where a search goes on, and how many results it gives."""

    cursor: str
    limit: int


def text(body: Mapping[str, Any], name: str, longest: int) -> str:
    """Return a member that is a text. Raises: ValidationError."""
    value = body.get(name)
    if isinstance(value, str) and 0 < len(value) <= longest and "\x00" not in value:
        return value
    if value is None and name not in body:
        raise problem(name, _REQUIRED, "required")
    if not isinstance(value, str) or not value or "\x00" in value:
        raise problem(name, _NO_TEXT, "blank" if value == "" else "invalid")
    raise problem(name, gettext("This has at most %d characters.") % longest, "max_length")


def read_question(body: Any, *, own_name: str, members: frozenset[str]) -> AskedQuestion:
    """Return the question in a body, whose other members are ``members``. Raises: ValidationError."""
    if not isinstance(body, dict):
        raise problem("non_field_errors", _NO_OBJECT)
    if not members.issuperset(body):
        raise _unknown([name for name in body if name not in members])
    subject = text(body, "subject", LONGEST_SUBJECT) if "subject" in body else ""
    if subject == own_name:
        subject = ""
    path = text(body, "object", MAX_LENGTH) if "object" in members else ""
    action = text(body, "action", LONGEST_ACTION) if "action" in members else ""
    claims = _NOTHING_CLAIMED
    if "attributes" in body:
        claims = _claims(body["attributes"], is_about_oneself=not subject and "subject" in members)
    return AskedQuestion(subject, Question(path, action, claims))


def read_version(body: Any) -> int | None:
    """Return ``at_least_version``. Raises: ValidationError."""
    value = body.get("at_least_version")
    if value is None and "at_least_version" not in body:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_VERSION:
        raise problem("at_least_version", _NO_VERSION)
    return value


def read_checks(body: Any) -> list[Any]:
    """Return ``checks``, the only member of a body. Raises: ValidationError."""
    if not isinstance(body, dict):
        raise problem("non_field_errors", _NO_OBJECT)
    unknown = [name for name in body if name != "checks"]
    if unknown:
        raise _unknown(unknown)
    checks = body.get("checks")
    if checks is None and "checks" not in body:
        raise problem("checks", _REQUIRED, "required")
    if not isinstance(checks, list) or not 1 <= len(checks) <= MOST_CHECKS:
        raise problem("checks", gettext("This is a list of 1 to %d checks.") % MOST_CHECKS)
    return checks


def read_each(checks: list[Any], read: Callable[[Any], Value]) -> list[Value]:
    """Return what ``read`` returns of each check. Raises: ValidationError, whose members have the check's number."""
    found: list[Value] = []
    try:
        for check in checks:
            found.append(read(check))  # noqa: PERF401 - how many there are tells which one is wrong
    except ValidationError as error:
        path = f"checks.{len(found)}"
        if not isinstance(checks[len(found)], dict):
            raise problem(path, _NO_OBJECT) from error
        details = cast("dict[str, Any]", error.detail)
        raise ValidationError({f"{path}.{name}": detail for name, detail in details.items()}) from error
    return found


def read_page(body: Any) -> SearchPageInput:
    """Return the cursor and the limit of a search. Raises: ValidationError."""
    limit, cursor = body.get("limit", 50), body.get("cursor", "")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= 200:
        raise problem("limit", _NO_LIMIT)
    if not isinstance(cursor, str) or len(cursor) > MAX_LENGTH or not cursor.isprintable():
        raise problem("cursor", _NO_CURSOR)
    return SearchPageInput(cursor, limit)


def problem(member: str, sentence: str | Promise, code: str = "invalid") -> ValidationError:
    """Return the error of one member."""
    return ValidationError({member: [ErrorDetail(str(sentence), code)]})


def _unknown(names: list[str]) -> ValidationError:
    return ValidationError({name: [ErrorDetail(str(_NO_MEMBER), "unknown_field")] for name in names[:100]})


def _claims(given: Any, *, is_about_oneself: bool) -> Claims:
    try:
        return read_claims(given, is_about_oneself=is_about_oneself)
    except ClaimInvalid as error:
        raise problem(error.member, error.sentence) from error
