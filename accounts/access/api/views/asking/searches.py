"""Searches: who may do this, what may somebody do this to, and what may somebody do to this."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import question_examples as examples
from accounts.access.api.question_bodies import AskedQuestion, read_page, read_question
from accounts.access.api.serializers import questions as shapes
from accounts.access.api.views.asking.base import AskingAPIView, matched
from accounts.access.services import active_policy, search
from accounts.access.services.search import AT_THE_END, FoundPage

_PAGE = frozenset({"attributes", "cursor", "limit"})
_FIELD_CODES = ["required", "invalid", "blank", "max_length", "unknown_field"]


class SearchAPIView(AskingAPIView):
    """A search. ``searched`` is the member of the results, which the body has not."""

    searched: ClassVar[str]
    problem_codes: ClassVar = {"post": ["permission_denied"]}
    field_codes: ClassVar = {"post": _FIELD_CODES}

    def look(self, asked: AskedQuestion, how: dict[str, Any]) -> FoundPage:
        """Search by the one service that is this search's; ``how`` are where it begins, its limit and its policy."""
        raise NotImplementedError(type(self).__name__)

    def answer(self, request: Request) -> Response:
        """Read the question, search, and return the page that is found."""
        members = _PAGE | {"subject", "object", "action"} - {self.searched}
        asked = read_question(request.data, own_name=self.asking.subject, members=members)
        page = read_page(request.data)
        if asked.subject or self.searched == "subject":
            self.require_others_allowed(request)
        if self.searched != "subject":
            asked = asked._replace(question=self.with_known(request, asked))
        policy = active_policy.current()
        result = self.look(asked, {"after": page.cursor, "limit": page.limit, "policy": policy, "at": self.now})
        is_explained = self.may_explain()
        results = [
            {self.searched: found.name, "matched": matched(found.decision, is_explained=is_explained)}
            for found in result.found
        ]
        return Response({"results": results, "next": result.next, "version": policy.version})


class SubjectSearchView(SearchAPIView):
    """Search those who may do this."""

    searched = "subject"

    @extend_schema(
        operation_id="search_subjects",
        tags=["access"],
        summary="Search those who may do something",
        request=shapes.SubjectSearchInput,
        responses={200: shapes.SubjectSearchOutput},
        examples=[examples.SUBJECT_SEARCH, examples.SUBJECTS_FOUND],
    )
    def post(self, request: Request) -> Response:
        """Search the people and service clients who may do an action to an object. It needs `authz:check`.

        A page may have fewer results than `limit`, or none: go on until `next` is null.
        """
        return self.answer(request)

    def look(self, asked: AskedQuestion, how: dict[str, Any]) -> FoundPage:
        return search.subjects(asked.question, **how)


class ObjectSearchView(SearchAPIView):
    """Search what somebody may do this to."""

    searched = "object"

    @extend_schema(
        operation_id="search_objects",
        tags=["access"],
        summary="Search the objects to which an action is allowed",
        request=shapes.ObjectSearchInput,
        responses={200: shapes.ObjectSearchOutput},
        examples=[examples.OBJECT_SEARCH, examples.OBJECTS_FOUND],
    )
    def post(self, request: Request) -> Response:
        """Search the registered objects to which you, or somebody else, may do an action.

        A page may have fewer results than `limit`, or none: go on until `next` is null.
        """
        return self.answer(request)

    def look(self, asked: AskedQuestion, how: dict[str, Any]) -> FoundPage:
        facts = self.subject_of(asked.subject).facts
        question = asked.question
        return search.objects(facts, question.action, question.attributes, **how) if facts else AT_THE_END


class ActionSearchView(SearchAPIView):
    """Search what somebody may do to this."""

    searched = "action"

    @extend_schema(
        operation_id="search_actions",
        tags=["access"],
        summary="Search the actions that are allowed on an object",
        request=shapes.ActionSearchInput,
        responses={200: shapes.ActionSearchOutput},
        examples=[examples.ACTION_SEARCH, examples.ACTIONS_FOUND],
    )
    def post(self, request: Request) -> Response:
        """Search the actions that you, or somebody else, may do to an object, among those that rules name.

        A page may have fewer results than `limit`, or none: go on until `next` is null.
        """
        return self.answer(request)

    def look(self, asked: AskedQuestion, how: dict[str, Any]) -> FoundPage:
        facts = self.subject_of(asked.subject).facts
        return search.actions(facts, asked.question, **how) if facts else AT_THE_END
