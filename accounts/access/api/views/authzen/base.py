"""What the views of AuthZEN have in common. Where its manners are not ours, its own win.

OpenID AuthZEN Authorization API 1.0: https://openid.net/specs/authorization-api-1_0.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts.access.api.authzen.entities import Entity, EntityInvalid, subject_name
from accounts.access.api.base import AccessAPIView
from accounts.access.conf import access_settings
from accounts.access.deciding.index import Decision
from accounts.access.permission_types import CHECK
from accounts.access.services import explanation, questions
from accounts.access.services.questions import AskedSubject

REQUEST_ID = "X-Request-ID"
LONGEST_REQUEST_ID = 256


class AuthZenAPIView(AccessAPIView):
    """Callers have ``authz:check``. What is ill formed is 400, and the caller's request id is sent back (10.1.3)."""

    needed_permissions: ClassVar = {"post": CHECK.name}
    problem_codes: ClassVar = {"post": ["permission_denied", "malformed_request"]}
    now: datetime

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.now = timezone.now()
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        found = super().finalize_response(request, response, *args, **kwargs)
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        if sent and sent.isascii() and sent.isprintable() and len(sent) <= LONGEST_REQUEST_ID:
            found[REQUEST_ID] = sent
        return found

    def body_of(self, request: Request) -> Mapping[str, Any]:
        """Return the object that was sent. Raises: EntityInvalid."""
        if not isinstance(request.data, Mapping):
            raise EntityInvalid(_("The body is an object."))
        return request.data

    def subject_of(self, subject: Entity) -> AskedSubject:
        """Return whom a request is about."""
        return questions.find_subject(subject_name(subject), self.now)

    def may_explain(self, request: Request) -> bool:
        """Return whether the caller is told which rule decided."""
        facts = access_settings.FACTS_OF(request.user, self.now)
        return facts is not None and explanation.is_told(facts, at=self.now)


def decision_body(decision: Decision, *, is_explained: bool, step_up: bool = False) -> dict[str, Any]:
    """Return the answer to an evaluation (6.2). ``step_up``: a second factor shown now would have allowed it."""
    found = explanation.matched(decision)
    context: dict[str, Any] = {"reasons": list(found.reasons)}
    if is_explained:
        context["matched"] = {"rule": found.rule, "version": found.version}
    if step_up:
        context["step_up"] = {"factor": "second_factor"}
    return {"decision": decision.is_allowed, "context": context}
