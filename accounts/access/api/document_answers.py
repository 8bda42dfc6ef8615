"""How the calls of rules and of roles answer: a page, one row, and a row that is deleted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import selectors
from accounts.access.api.base import author_of, versioned
from accounts.access.api.serializers.fields import ReasonInput, validated
from accounts.access.services.policy_changes import PolicyWriter, Versions, policy_change
from cedrina_base.preconditions import versions_from


def page_answer(read: Callable[[], tuple[Sequence[Mapping[str, Any]], str | None]]) -> Response:
    """Return a page with the version of the policy, as it was before the page was ``read``: no newer than its rows."""
    version = selectors.head().version
    results, following = read()
    return versioned(Response({"results": results, "next": following, "version": version}), version, etag=version)


def row_answer(body: Mapping[str, Any], version: int) -> Response:
    """Return one row with its version as the ETag."""
    return Response(body, headers={"ETag": f'"{version}"'})


def removal_answer(request: Request, remove: Callable[[PolicyWriter, Versions], None]) -> Response:
    """Delete a row, as ``If-Match`` and ``?reason=`` of a request say. Raises: what ``remove`` raises."""
    versions = versions_from(request.headers.get("If-Match"))
    given = validated(ReasonInput, request.query_params.dict())
    with policy_change(author=author_of(request), reason=given["reason"], now=timezone.now()) as writer:
        remove(writer, versions)
    return versioned(Response(status=204), writer.version)
