"""What the views that answer questions have in common: who asks, about whom they may ask, and what they are told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access.api.base import AccessAPIView
from accounts.access.api.question_bodies import AskedQuestion
from accounts.access.conf import access_settings
from accounts.access.deciding.index import Decision
from accounts.access.permission_types import CHECK
from accounts.access.services import explanation, questions
from accounts.access.services.questions import AskedSubject
from accounts.access.types import Question, SubjectFacts


class KnownSubject(BasePermission):
    """Allow whoever access control knows: people who have signed in, and service clients."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        now = timezone.now()
        facts = access_settings.FACTS_OF(request.user, now)
        view.asking = facts  # type: ignore[attr-defined]  # of AskingAPIView
        view.now = now  # type: ignore[attr-defined]
        return facts is not None


class AskingAPIView(AccessAPIView):
    """Anybody who is known may ask about themselves; about others with ``authz:check`` only."""

    asking: SubjectFacts
    now: datetime

    def get_permissions(self) -> list[Any]:
        return [KnownSubject()]

    def require_others_allowed(self, request: Request) -> None:
        """Refuse callers who may not ask about others. Raises: PermissionDenied, NotAuthenticated."""
        for permission in access_settings.API_PERMISSIONS(CHECK.name):
            if not permission.has_permission(request, self):
                self.permission_denied(request)

    def subject_of(self, name: str) -> AskedSubject:
        """Return whom a question is about: the caller if it names nobody."""
        if not name:
            return AskedSubject(self.asking.subject, self.asking)
        return questions.find_subject(name, self.now)

    def with_known(self, request: Request, asked: AskedQuestion) -> Question:
        """Return a question, with what is known of the request as the context of one about the caller.

        A claim wins: an application may ask for a person whose own address and second factor it knows better.
        """
        if asked.subject:
            return asked.question
        return with_context(asked.question, access_settings.CONTEXT_OF(request.user))

    def may_explain(self) -> bool:
        """Return whether the caller is told which rule decided."""
        return explanation.is_told(self.asking, at=self.now)


def with_context(question: Question, known: Mapping[str, Any]) -> Question:
    """Return a question with what is known of the request beside what is claimed."""
    if not known:
        return question
    claims = question.attributes
    return question._replace(attributes={**claims, "context": {**known, **claims.get("context", {})}})


def matched(decision: Decision, *, is_explained: bool) -> Mapping[str, Any] | None:
    """Return which rule decided, ``None`` for callers who are not told."""
    if not is_explained:
        return None
    found = explanation.matched(decision)
    return {"rule": found.rule, "version": found.version, "reasons": list(found.reasons)}
