"""The API of the sealed trail: checkpoints, and proofs against them."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from security_events.api import audit_trail_examples as examples
from security_events.api.base import SecurityEventsAPIView
from security_events.api.plain_text import PlainTextMixin, PlainTextRenderer
from security_events.api.serializers import audit_trail as shapes
from security_events.conf import security_event_settings
from security_events.errors import NotSealedYet
from security_events.models import TrailCheckpoint
from security_events.selectors.sealing import checkpoints
from security_events.services.trail import proving
from security_events.verifier import proof_file

_TAG = "audit trail"
_TEXT = (200, "text/plain")
_CACHED = {"Cache-Control": "public, max-age=5"}


class InclusionProofView(PlainTextMixin, SecurityEventsAPIView):
    """The proof of one event."""

    problem_codes: ClassVar = {"get": ["permission_denied", "not_found", "not_sealed_yet", "hashes_pruned"]}

    @extend_schema(
        operation_id="prove_security_event",
        tags=[_TAG],
        summary="Prove that an event is in the trail",
        responses={
            (200, "application/json"): shapes.InclusionProofOutput,
            _TEXT: OpenApiResponse(OpenApiTypes.STR, examples=[examples.PROOF_FILE]),
        },
        examples=[OpenApiExample("A proof", response_only=True, media_type="application/json", value=examples.PROOF)],
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        """Prove that an event is in the trail, against the newest checkpoint.

        With `Accept: text/plain` the answer is the file of C2SP `tlog-proof`.
        """
        proof = proving.prove_inclusion(event_id)
        if self.wants_text(request):
            return Response(proof_file(proof))
        return Response(
            {"index": proof.index, "hashes": _in_base64(proof.hashes), "checkpoint": proof.checkpoint},
        )


class ConsistencyProofView(SecurityEventsAPIView):
    """The proof that one checkpoint continues another."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error", "not_found", "hashes_pruned"]}
    field_codes: ClassVar = {"get": ["required", "invalid", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="prove_consistency",
        tags=[_TAG],
        summary="Prove that a checkpoint continues another",
        parameters=[shapes.ConsistencyInput],
        responses={200: shapes.ConsistencyProofOutput},
        examples=[OpenApiExample("A proof", response_only=True, value=examples.CONSISTENCY)],
    )
    def get(self, request: Request) -> Response:
        """Prove that the trail of one size begins with the whole trail of a smaller size."""
        sizes = shapes.ConsistencyInput(data=request.query_params.dict())
        sizes.is_valid(raise_exception=True)
        proof = proving.prove_consistency(old=sizes.validated_data["from"], new=sizes.validated_data["to"])
        return Response({"from": proof.old, "to": proof.new, "hashes": _in_base64(proof.hashes)})


class CheckpointsView(SecurityEventsAPIView):
    """All checkpoints."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "blank", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="list_checkpoints",
        tags=[_TAG],
        summary="List the checkpoints",
        parameters=[shapes.CheckpointPageInput],
        responses={200: shapes.CheckpointListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [examples.CHECKPOINT], "next": None}),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the checkpoints of the trail, the newest first."""
        page = shapes.CheckpointPageInput(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        limit = page.validated_data["limit"]
        rows = checkpoints.checkpoints(below=page.validated_data.get("cursor"), limit=limit + 1)
        following = str(rows[limit - 1].size) if len(rows) > limit else None
        return Response({"results": [_body(row) for row in rows[:limit]], "next": following})


class NewestCheckpointView(PlainTextMixin, SecurityEventsAPIView):
    """The newest checkpoint."""

    problem_codes: ClassVar = {"get": ["permission_denied", "not_sealed_yet"]}

    @extend_schema(
        operation_id="read_checkpoint",
        tags=[_TAG],
        summary="Read the newest checkpoint",
        responses={
            (200, "application/json"): shapes.CheckpointOutput,
            _TEXT: OpenApiResponse(OpenApiTypes.STR, examples=[examples.NOTE_FILE]),
        },
        examples=[
            OpenApiExample("A checkpoint", response_only=True, media_type="application/json", value=examples.CHECKPOINT)
        ],
    )
    def get(self, request: Request) -> Response:
        """Read the newest checkpoint of the trail.

        With `Accept: text/plain` the answer is the signed note, with the lines of the witnesses.
        """
        newest = _newest()
        return Response(checkpoints.cosigned_note(newest) if self.wants_text(request) else _body(newest))


class PublicCheckpointView(SecurityEventsAPIView):
    """The newest checkpoint for everybody, with ``AUDIT_PUBLIC``."""

    authentication_classes = []
    problem_codes: ClassVar = {"get": ["not_found", "not_sealed_yet"]}

    def get_permissions(self) -> list[Any]:
        return [AllowAny()]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return PlainTextRenderer(), PlainTextRenderer.media_type

    @extend_schema(
        operation_id="read_public_checkpoint",
        tags=[_TAG],
        summary="Read the newest checkpoint, as anybody",
        responses={_TEXT: OpenApiResponse(OpenApiTypes.STR, examples=[examples.NOTE_FILE])},
    )
    def get(self, request: Request) -> Response:
        """Read the newest checkpoint as a signed note, if the operator publishes it."""
        if not security_event_settings.AUDIT_PUBLIC:
            raise NotFound
        return Response(checkpoints.cosigned_note(_newest()), headers=_CACHED)


def _newest() -> TrailCheckpoint:
    newest = checkpoints.newest_checkpoint()
    if newest is None:
        raise NotSealedYet
    return newest


def _body(checkpoint: TrailCheckpoint) -> dict[str, Any]:
    return {
        "size": checkpoint.size,
        "root": b64encode(checkpoint.root).decode(),
        "note": checkpoint.note,
        "created_at": checkpoint.created_at,
        "events_from": str(checkpoint.events_from),
        "events_to": str(checkpoint.events_to),
        "cosignatures": [each.line for each in checkpoint.cosignatures.all()],
    }


def _in_base64(hashes: Sequence[bytes]) -> list[str]:
    return [b64encode(each).decode() for each in hashes]
