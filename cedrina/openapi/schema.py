"""The OpenAPI schema of the API: drf-spectacular's, with the problems that each operation may answer.

A view declares its own codes as data: ``problem_codes = {"post": ["invalid_credentials"]}``, and and the
codes of the fields of its 422: ``field_codes = {"post": ["password_too_short"]}``. The codes
that any operation may answer are added here.
"""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import AllowAny

from cedrina.http.problem_catalogue import FIELD_CODES, PROBLEMS
from cedrina.http.problems import CHALLENGE, CONTENT_TYPE, RETRY_AFTER_SECONDS

ALWAYS = ("not_acceptable", "internal_error", "service_unavailable")
WITH_BODY = ("malformed_request", "request_timeout", "payload_too_large", "unsupported_media_type", "validation_error")
WITH_TOKEN = ("authentication_required", "invalid_token", "token_expired", "session_revoked", "session_expired")
WITH_PARAMETER = ("not_found",)
ACCESS_TOKEN = "accessToken"
PROBLEM = {"$ref": "#/components/schemas/Problem"}
EXAMPLE_ID = "01976e2c-5a4b-7c3d-8e9f-0a1b2c3d4e5f"
EXAMPLE_TIME = "2026-01-05T10:00:00Z"
EXAMPLE_BASE = "https://cedrina.dev/problems/"


class ProblemAutoSchema(AutoSchema):
    """drf-spectacular's ``AutoSchema``, with problems added to the responses of each operation."""

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the one security scheme, whichever authentication class the view has."""
        is_public = any(isinstance(permission, AllowAny) for permission in self.view.get_permissions())
        if not self.view.get_authenticators():
            return [{}]
        return [{ACCESS_TOKEN: []}, {}] if is_public else [{ACCESS_TOKEN: []}]

    def _get_request_body(self, direction: str = "request") -> Any:
        """Describe the body of a DELETE, too, when the view declares one (RFC 9110, 9.3.5)."""
        if self.method != "DELETE" or self.get_request_serializer() is None:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]  # it brings no types
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = "DELETE"

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        verb = method.lower()
        codes = [*ALWAYS, *getattr(self.view, "problem_codes", {}).get(verb, ())]
        for permission in self.view.get_permissions():
            codes += getattr(permission, "problem_codes", ())
        if "requestBody" in operation:
            codes += WITH_BODY
        if not any(isinstance(permission, AllowAny) for permission in self.view.get_permissions()):
            codes += WITH_TOKEN
        if "{" in path:
            codes += WITH_PARAMETER
        fields = getattr(self.view, "field_codes", {}).get(verb)
        operation["responses"].update(problem_responses(codes, instance=path, field_codes=fields))
        return operation


def problem_responses(
    codes: Iterable[str], *, instance: str, field_codes: Iterable[str] | None = None
) -> dict[str, Any]:
    """Return one response for each status, with an example for each code.

    Raises: KeyError for a code that is not in the catalogue.
    """
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        str(status): _response(status, names, instance, sorted(field_codes or FIELD_CODES))
        for status, names in sorted(by_status.items())
    }


def _response(status: int, codes: list[str], instance: str, field_codes: list[str]) -> dict[str, Any]:
    narrowed: dict[str, Any] = {"code": {"enum": codes}, "status": {"const": status}}
    if "validation_error" in codes:
        narrowed["errors"] = {"items": {"properties": {"code": {"enum": field_codes}}}}
    response: dict[str, Any] = {
        "description": "; ".join(str(PROBLEMS[code].title) for code in codes),
        "content": {
            CONTENT_TYPE: {
                "schema": {"allOf": [PROBLEM, {"type": "object", "properties": narrowed}]},
                "examples": {
                    code: {"summary": str(PROBLEMS[code].title), "value": _example(code, instance, field_codes)}
                    for code in codes
                },
            }
        },
    }
    headers = {
        401: ("WWW-Authenticate", {"type": "string"}, CHALLENGE),
        429: ("Retry-After", {"type": "integer"}, RETRY_AFTER_SECONDS),
        503: ("Retry-After", {"type": "integer"}, RETRY_AFTER_SECONDS),
    }
    if status in headers:
        name, schema, example = headers[status]
        response["headers"] = {name: {"schema": schema, "example": example, "required": True}}
    return response


def _example(code: str, instance: str, field_codes: list[str]) -> dict[str, Any]:
    kind = PROBLEMS[code]
    example: dict[str, Any] = {
        "type": f"{EXAMPLE_BASE}{code}",
        "title": str(kind.title),
        "status": kind.status,
        "detail": str(kind.detail),
        "instance": instance,
        "code": code,
        "correlation_id": EXAMPLE_ID,
        "timestamp": EXAMPLE_TIME,
    }
    if code == "validation_error":
        field_code = "unknown_field" if "unknown_field" in field_codes else field_codes[0]
        example["detail"] = "One field is not valid."
        example["errors"] = [{"field": "nickname", "code": field_code, "detail": "This field is not known."}]
    return example


def describe_problems(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """Add the parts that no view declares: the schema of a problem, and the two health calls."""
    components = result.setdefault("components", {}).setdefault("schemas", {})
    components["Problem"] = {
        "type": "object",
        "description": "An error (RFC 9457). `code` never changes; `title` and `detail` follow Accept-Language.",
        "required": ["type", "title", "status", "detail", "instance", "code", "correlation_id", "timestamp"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "format": "uri-reference"},
            "code": {"type": "string", "enum": sorted(PROBLEMS)},
            "correlation_id": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
        },
    }
    components["FieldError"] = {
        "type": "object",
        "required": ["field", "code", "detail"],
        "properties": {
            "field": {"type": "string"},
            "code": {"type": "string", "enum": sorted(FIELD_CODES)},
            "detail": {"type": "string"},
        },
    }
    schemes = result["components"].setdefault("securitySchemes", {})
    schemes[ACCESS_TOKEN] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    for path, meaning in (("/livez", "Is the process alive?"), ("/readyz", "Can it do its work?")):
        result["paths"][path] = {"get": _health_operation(path, meaning)}
    return result


def _health_operation(path: str, meaning: str) -> dict[str, Any]:
    status = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string", "const": "ok"}}}
    content = {"application/json": {"schema": status, "examples": {"ok": {"value": {"status": "ok"}}}}}
    return {
        "operationId": path.strip("/"),
        "description": meaning,
        "tags": ["system"],
        "security": [{}],
        "responses": {
            "200": {"description": "Yes", "content": content},
            **problem_responses(["service_unavailable"], instance=path),
        },
    }
