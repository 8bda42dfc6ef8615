"""``/admin/policies/unused``: what could be taken away, because nobody uses it."""

from datetime import timedelta
from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import unused_grants
from accounts.access.api import described, draft_examples
from accounts.access.api.base import AccessAPIView
from accounts.access.api.serializers import unused as shapes
from accounts.access.api.serializers.fields import validated
from accounts.access.permission_types import READ_POLICIES

_DEFAULT = timedelta(days=90)


class UnusedGrantsView(AccessAPIView):
    """Rules that allow, and granted roles, that nobody uses."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name}
    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": described.OF_PAGES}

    @extend_schema(
        operation_id="list_unused_grants",
        tags=described.TAGS,
        summary="List rules and granted roles that nobody uses",
        parameters=[shapes.UnusedPageInput],
        responses={200: shapes.UnusedListOutput},
        examples=[
            OpenApiExample(
                "A role",
                response_only=True,
                value={
                    "results": [draft_examples.UNUSED],
                    "next": None,
                    "since": "2025-10-07T10:00:00Z",
                    "counted_since": "2025-06-01T00:00:00Z",
                    "is_complete": True,
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List rules that allow, then roles of people and service clients, without a use since an instant.

        All decisions are counted, about a minute later, not only recorded ones. What was made or granted later than
        `since` is left out. Before `counted_since` nothing was counted; `is_complete` says whether you can rely on the
        list. By default `since` is 90 days ago.
        """
        page = validated(shapes.UnusedPageInput, request.query_params.dict())
        now = timezone.now()
        since = page.get("since") or now - _DEFAULT
        found = unused_grants.unused_page(since=since, after=page.get("cursor"), limit=page["limit"], now=now)
        return Response(shapes.page_body(found, since=since), headers={"Cache-Control": "no-store"})
