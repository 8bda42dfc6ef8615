"""What the OpenAPI document says of several calls of this app."""

from drf_spectacular.utils import OpenApiParameter

from accounts.access.api.base import POLICY_VERSION

TAGS = ["administration"]
ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version, to be sent back in If-Match."
)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read.")
OPTIONAL_IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag read.")
MADE_VERSION = OpenApiParameter(
    POLICY_VERSION,
    int,
    OpenApiParameter.HEADER,
    response=[200, 201, 204],
    description="The version of the policy from this change on.",
)
STEP_UP_CODES = ("permission_denied", "reauthentication_required", "step_up_required")
OF_DOCUMENTS = ("required", "blank", "invalid", "max_length", "unknown_field")
OF_PAGES = ("invalid", "blank", "max_length", "unknown_field")
