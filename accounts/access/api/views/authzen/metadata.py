"""AuthZEN's metadata of this policy decision point (section 9). Anybody may read them."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.authzen import examples, shapes
from accounts.access.api.base import AccessAPIView
from accounts.access.conf import access_settings

TOKEN_TYPE = "authzen-metadata+jwt"  # the specification names none; ours keeps it apart from other tokens
_ENDPOINTS = {
    "access_evaluation_endpoint": "authzen-evaluation",
    "access_evaluations_endpoint": "authzen-evaluations",
    "search_subject_endpoint": "authzen-search-subject",
    "search_resource_endpoint": "authzen-search-resource",
    "search_action_endpoint": "authzen-search-action",
}


class MetadataView(AccessAPIView):
    """Where the endpoints are."""

    authentication_classes = ()

    def get_permissions(self) -> list[Any]:
        return [AllowAny()]

    @extend_schema(
        operation_id="authzen_metadata",
        tags=["access"],
        summary="Read the metadata of AuthZEN",
        auth=[],
        responses={200: shapes.MetadataOutput},
        examples=[examples.METADATA],
    )
    def get(self, request: Request) -> Response:
        """Read where the endpoints of AuthZEN's Authorization API are.

        `signed_metadata` has the same members as the claims of a JWT that the keys of `/.well-known/jwks.json` verify.
        """
        base = access_settings.BASE_URL or request.build_absolute_uri("/").rstrip("/")
        endpoints = {name: f"{base}{reverse(route)}" for name, route in _ENDPOINTS.items()}
        metadata = {"policy_decision_point": base, **endpoints}
        # Never for an address that a request names: who can forge its Host would get a signed document about it.
        is_known = bool(access_settings.BASE_URL)
        signed = access_settings.SIGN_METADATA(metadata, TOKEN_TYPE, timezone.now()) if is_known else ""
        return Response({**metadata, "signed_metadata": signed} if signed else metadata)
