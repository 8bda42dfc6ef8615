"""``/admin/policy-drafts``: changes of the policy that are proposed, looked at, approved and applied."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import draft_lists, selectors
from accounts.access.api import described, draft_examples
from accounts.access.api.base import AccessAPIView, author_of, versioned
from accounts.access.api.idempotency import IDEMPOTENCY_FIELDS, IDEMPOTENCY_PARAMETER, IDEMPOTENCY_PROBLEMS, once
from accounts.access.api.serializers import drafts as shapes
from accounts.access.api.serializers import impacts
from accounts.access.api.serializers.drafts import draft_body
from accounts.access.api.serializers.fields import validated
from accounts.access.conf import access_settings
from accounts.access.permission_types import APPROVE_POLICIES, CHANGE_POLICIES, READ_POLICIES
from accounts.access.services.drafts import approving, editing
from accounts.access.services.idempotency import Made
from accounts.access.services.impact import drafts as impact
from accounts.access.services.shadow import switching
from cedrina_base.preconditions import versions_from

_CHANGING = [*described.STEP_UP_CODES, "precondition_required", "version_mismatch", "stale_draft"]


class DraftsView(AccessAPIView):
    """All drafts."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name, "post": CHANGE_POLICIES.name}
    problem_codes: ClassVar = {
        "get": ["permission_denied", "validation_error"],
        "post": [*described.STEP_UP_CODES, "already_exists", "stale_draft", *IDEMPOTENCY_PROBLEMS],
    }
    field_codes: ClassVar = {"get": described.OF_PAGES, "post": [*described.OF_DOCUMENTS, *IDEMPOTENCY_FIELDS]}

    @extend_schema(
        operation_id="list_policy_drafts",
        tags=described.TAGS,
        summary="List drafts of the access policy",
        parameters=[shapes.DraftPageInput],
        responses={200: shapes.DraftListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [draft_examples.DRAFT], "next": None})],
    )
    def get(self, request: Request) -> Response:
        """List the drafts, the newest first. Those that nobody changed for 90 days are deleted."""
        page = validated(shapes.DraftPageInput, request.query_params.dict())
        listed, following = draft_lists.drafts_page(before=page.get("cursor"), limit=page["limit"])
        needed = access_settings.APPROVERS
        return Response({"results": [draft_body(each, needed=needed) for each in listed], "next": following})

    @extend_schema(
        operation_id="create_policy_draft",
        tags=described.TAGS,
        summary="Propose a change of the access policy",
        request=shapes.DraftInput,
        parameters=[IDEMPOTENCY_PARAMETER, described.ENTITY_TAG],
        responses={201: shapes.DraftOutput},
        examples=[
            OpenApiExample("Auditors read documents", request_only=True, value=draft_examples.NEW_DRAFT),
            OpenApiExample("Stored", response_only=True, value=draft_examples.DRAFT, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Store changes that are not in force yet: of rules and of roles, made in their order.

        With `restore_version` instead of `changes` the draft goes back to an earlier version. A `base_version` that is
        not current any more is refused. With an `Idempotency-Key`, a repeated call is answered with the draft as it is
        now.
        """
        given = validated(shapes.DraftInput, request.data)
        author, reason, now = author_of(request), given["reason"], timezone.now()

        def store() -> Made:
            if "restore_version" in given:
                number = given["restore_version"]
                draft = editing.create_restoring(number=number, author=author, reason=reason, now=now)
            else:
                base, changes = given.get("base_version"), given["changes"]
                draft = editing.create(changes=changes, base_version=base, author=author, reason=reason, now=now)
            return Made(str(draft.pk))

        return answer(UUID(once(request, store, now=now).result), status=201)


class DraftView(AccessAPIView):
    """One draft."""

    needed_permissions: ClassVar = {
        "get": READ_POLICIES.name,
        "patch": CHANGE_POLICIES.name,
        "delete": CHANGE_POLICIES.name,
    }
    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "patch": [*_CHANGING, "already_exists"],
        "delete": _CHANGING,
    }
    field_codes: ClassVar = {"patch": described.OF_DOCUMENTS}

    @extend_schema(
        operation_id="read_policy_draft",
        tags=described.TAGS,
        summary="Read a draft of the access policy",
        parameters=[described.ENTITY_TAG],
        responses={200: shapes.DraftOutput},
        examples=[OpenApiExample("A draft", response_only=True, value=draft_examples.DRAFT)],
    )
    def get(self, request: Request, draft_id: UUID) -> Response:
        """Read a draft with its approvals."""
        del request
        return answer(draft_id)

    @extend_schema(
        operation_id="change_policy_draft",
        tags=described.TAGS,
        summary="Change a draft of the access policy",
        request=shapes.DraftChangeInput,
        parameters=[described.IF_MATCH, described.ENTITY_TAG],
        responses={200: shapes.DraftOutput},
        examples=[
            OpenApiExample("Other changes", request_only=True, value={"changes": draft_examples.CHANGES}),
            OpenApiExample("Changed", response_only=True, value={**draft_examples.DRAFT, "version": 2}),
        ],
    )
    def patch(self, request: Request, draft_id: UUID) -> Response:
        """Change a draft of yours, and bring it up to the version in force. It loses its approvals.

        Nobody else can change it: who approves it must not have written any of it.
        """
        versions = versions_from(request.headers.get("If-Match"))
        given = validated(shapes.DraftChangeInput, request.data)
        editing.change(
            draft_id=draft_id,
            changes=given.get("changes"),
            reason=given.get("reason"),
            versions=versions,
            author=author_of(request),
            now=timezone.now(),
        )
        return answer(draft_id)

    @extend_schema(
        operation_id="delete_policy_draft",
        tags=described.TAGS,
        summary="Delete a draft of the access policy",
        request=None,
        parameters=[described.IF_MATCH],
        responses={204: None},
    )
    def delete(self, request: Request, draft_id: UUID) -> Response:
        """Delete a draft that was not applied."""
        versions = versions_from(request.headers.get("If-Match"))
        editing.delete(draft_id=draft_id, versions=versions, author=author_of(request), now=timezone.now())
        return Response(status=204)


class DraftImpactView(AccessAPIView):
    """What a draft would change."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name}
    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error", "stale_draft", "service_unavailable"]}
    field_codes: ClassVar = {"get": ["invalid", "unknown_field"]}

    @extend_schema(
        operation_id="read_policy_draft_impact",
        tags=described.TAGS,
        summary="Read what a draft would change",
        parameters=[shapes.DraftImpactInput],
        responses={200: impacts.DraftImpactOutput},
        examples=[OpenApiExample("Auditors gain", response_only=True, value=draft_examples.IMPACT)],
    )
    def get(self, request: Request, draft_id: UUID) -> Response:
        """Read who gains and who loses what by a draft, by proof and by history.

        The proof finds each kind of request that is decided otherwise: for each role alone, for the sets of roles that
        people have, and for those whom a rule names. `history` evaluates the recorded decisions of the last `days`
        again. Both are bounded: `is_exact` and `is_complete` say whether something was left out.
        """
        days = validated(shapes.DraftImpactInput, request.query_params.dict())["days"]
        now = timezone.now()
        row = draft_lists.draft(draft_id).draft
        found = impact.impact_of_draft(row, since=now - timedelta(days=days), now=now)
        return Response(impacts.impact_body(found), headers={"Cache-Control": "no-store"})


class DraftShadowView(AccessAPIView):
    """The evaluation of a draft beside the policy in force."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name, "post": CHANGE_POLICIES.name}
    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "post": [*described.STEP_UP_CODES, "stale_draft", "already_in_use"],
    }
    field_codes: ClassVar = {"post": ["required", "invalid", "unknown_field"]}

    @extend_schema(
        operation_id="read_policy_draft_shadow",
        tags=described.TAGS,
        summary="Read how a draft differs in live decisions",
        responses={200: impacts.DraftShadowOutput},
        examples=[OpenApiExample("Running", response_only=True, value=draft_examples.SHADOW)],
    )
    def get(self, request: Request, draft_id: UUID) -> Response:
        """Read what all processes found together. Each adds its figures about once a second."""
        del request
        return self._answer(draft_id)

    @extend_schema(
        operation_id="switch_policy_draft_shadow",
        tags=described.TAGS,
        summary="Evaluate a draft beside the policy in force",
        request=shapes.DraftShadowInput,
        responses={200: impacts.DraftShadowOutput},
        examples=[
            OpenApiExample("For an hour", request_only=True, value={"is_on": True, "minutes": 60}),
            OpenApiExample("Begun", response_only=True, value=draft_examples.SHADOW),
        ],
    )
    def post(self, request: Request, draft_id: UUID) -> Response:
        """Let all processes evaluate the draft beside the policy, or end that. No decision is changed by it.

        It reaches all processes within 2 s, ends after `minutes`, and when rules, roles or the draft change. One draft
        at a time can be evaluated.
        """
        given = validated(shapes.DraftShadowInput, request.data)
        author, now = author_of(request), timezone.now()
        if given["is_on"]:
            duration = timedelta(minutes=given["minutes"])
            switching.start(draft_id=draft_id, duration=duration, author=author, now=now)
        else:
            switching.stop(draft_id=draft_id, author=author, now=now)
        return self._answer(draft_id)

    def _answer(self, draft_id: UUID) -> Response:
        row = draft_lists.draft(draft_id).draft
        run, is_on = switching.run_of(row, now=timezone.now())
        return Response(impacts.shadow_body(run, is_on=is_on), headers={"Cache-Control": "no-store"})


class DraftApprovalView(AccessAPIView):
    """The approval of a draft."""

    needed_permissions: ClassVar = {"post": APPROVE_POLICIES.name}
    problem_codes: ClassVar = {"post": _CHANGING}

    @extend_schema(
        operation_id="approve_policy_draft",
        tags=described.TAGS,
        summary="Approve a draft of the access policy",
        request=None,
        parameters=[described.IF_MATCH, described.ENTITY_TAG],
        responses={200: shapes.DraftOutput},
        examples=[OpenApiExample("Approved", response_only=True, value=draft_examples.APPROVED_DRAFT)],
    )
    def post(self, request: Request, draft_id: UUID) -> Response:
        """Approve a draft of somebody else, as you read it. A second approval of yours changes nothing."""
        versions = versions_from(request.headers.get("If-Match"))
        approving.approve(draft_id=draft_id, versions=versions, approver=author_of(request), now=timezone.now())
        return answer(draft_id)


class DraftApplicationView(AccessAPIView):
    """The application of a draft."""

    needed_permissions: ClassVar = {"post": CHANGE_POLICIES.name}
    problem_codes: ClassVar = {"post": [*_CHANGING, "already_exists", "already_in_use"]}

    @extend_schema(
        operation_id="apply_policy_draft",
        tags=described.TAGS,
        summary="Apply a draft of the access policy",
        request=None,
        parameters=[described.IF_MATCH, described.ENTITY_TAG, described.MADE_VERSION],
        responses={200: shapes.DraftOutput},
        examples=[OpenApiExample("Applied", response_only=True, value=draft_examples.APPLIED_DRAFT)],
    )
    def post(self, request: Request, draft_id: UUID) -> Response:
        """Make the changes of a draft as one version, whose author is that of the draft.

        A draft that was made for another version than the one in force is refused, and so is one that needs further
        approvals. Approvals of closed accounts don't count.
        """
        versions = versions_from(request.headers.get("If-Match"))
        made = approving.apply(draft_id=draft_id, versions=versions, by=author_of(request), now=timezone.now())
        version = made.applied_version if made.applied_version is not None else selectors.head().version
        return versioned(answer(draft_id), version)


def answer(draft_id: UUID, *, status: int = 200) -> Response:
    """Return a draft with its version as the ETag. Raises: DraftNotFound."""
    listed = draft_lists.draft(draft_id)
    body: dict[str, Any] = draft_body(listed, needed=access_settings.APPROVERS)
    headers = {"ETag": f'"{listed.draft.version}"', "Cache-Control": "no-store"}
    return Response(body, status=status, headers=headers)
