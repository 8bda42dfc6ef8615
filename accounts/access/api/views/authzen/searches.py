"""AuthZEN's searches for subjects, resources and actions (section 8)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.authzen import examples, shapes
from accounts.access.api.authzen.entities import KINDS, EntityInvalid, read_evaluation, resource_of, type_prefix
from accounts.access.api.views.authzen.base import AuthZenAPIView
from accounts.access.services import active_policy, search
from accounts.access.services.search import AT_THE_END, FoundPage
from accounts.access.types import Question

LARGEST_PAGE = 200
LONGEST_TOKEN = 4000


class AuthZenSubjectSearchView(AuthZenAPIView):
    """Who may do this (8.4)."""

    @extend_schema(
        operation_id="authzen_search_subjects",
        tags=["access"],
        summary="Search subjects (AuthZEN)",
        request=shapes.AuthZenSubjectSearchInput,
        responses={200: shapes.EntitiesOutput},
        examples=[examples.SUBJECT_SEARCH, examples.SUBJECTS],
    )
    def post(self, request: Request) -> Response:
        """Search the subjects of a type who may do an action to a resource. An id of the subject is ignored."""
        body = self.body_of(request)
        asked, how = read_evaluation(body, searched="subject"), self._how(body)
        kind = asked.subject.kind if asked.subject else ""
        if kind not in KINDS:
            return _page(AT_THE_END, [])
        question = Question(asked.object, asked.action.key if asked.action else "", asked.claims)
        found = search.subjects(question, kind=f"{KINDS[kind]}:", **how)
        return _page(found, [{"type": kind, "id": each.name.partition(":")[2]} for each in found.found])

    def _how(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return from where a search goes on (8.3). Raises: EntityInvalid."""
        page = body.get("page", {})
        if not isinstance(page, Mapping):
            raise EntityInvalid(_("page is an object."))
        limit, token = page.get("limit", 50), page.get("token", "")
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise EntityInvalid(_("page.limit is a number that is larger than 0."))
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            raise EntityInvalid(_("page.token is one that was given out."))
        return {
            "after": _name_of(token),
            "limit": min(limit, LARGEST_PAGE),
            "policy": active_policy.current(),
            "at": self.now,
        }


class AuthZenResourceSearchView(AuthZenSubjectSearchView):
    """What may somebody do this to (8.5)."""

    @extend_schema(
        operation_id="authzen_search_resources",
        tags=["access"],
        summary="Search resources (AuthZEN)",
        request=shapes.AuthZenResourceSearchInput,
        responses={200: shapes.EntitiesOutput},
        examples=[examples.RESOURCE_SEARCH, examples.RESOURCES],
    )
    def post(self, request: Request) -> Response:
        """Search the registered resources of a type to which a subject may do an action. An id of it is ignored."""
        body = self.body_of(request)
        asked, how = read_evaluation(body, searched="resource"), self._how(body)
        facts = self.subject_of(asked.subject).facts if asked.subject else None
        if facts is None or asked.action is None or asked.resource is None:
            return _page(AT_THE_END, [])
        found = search.objects(facts, asked.action.key, asked.claims, within=type_prefix(asked.resource.kind), **how)
        resources = [resource for each in found.found if (resource := resource_of(each.name)) is not None]
        return _page(found, resources)


class AuthZenActionSearchView(AuthZenSubjectSearchView):
    """What may somebody do to this (8.6)."""

    @extend_schema(
        operation_id="authzen_search_actions",
        tags=["access"],
        summary="Search actions (AuthZEN)",
        request=shapes.AuthZenActionSearchInput,
        responses={200: shapes.ActionsOutput},
        examples=[examples.ACTION_SEARCH, examples.ACTIONS],
    )
    def post(self, request: Request) -> Response:
        """Search the actions that a subject may do to a resource, among those that rules name."""
        body = self.body_of(request)
        asked, how = read_evaluation(body, without=("action",)), self._how(body)
        facts = self.subject_of(asked.subject).facts if asked.subject else None
        if facts is None:
            return _page(AT_THE_END, [])
        found = search.actions(facts, Question(asked.object, "", asked.claims), **how)
        return _page(found, [{"name": each.name} for each in found.found])


def _page(found: FoundPage, results: list[dict[str, str]]) -> Response:
    return Response({"page": {"next_token": _token_of(found.next), "count": len(results)}, "results": results})


def _token_of(name: str | None) -> str:
    return "" if name is None else base64.urlsafe_b64encode(name.encode()).decode()


def _name_of(token: str) -> str:
    try:
        name = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise EntityInvalid(_("page.token is one that was given out.")) from error
    if name and not name.isprintable():
        raise EntityInvalid(_("page.token is one that was given out."))
    return name
