"""How drf-spectacular describes one operation, with the errors that it may answer.

A view declares its own codes as data: ``problem_codes = {"post": ["invalid_credentials"]}``, and the codes of the
fields of its 422: ``field_codes = {"post": ["password_too_short"]}``. Codes that any operation may answer are added
here.
"""

import re
from collections.abc import Iterable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.permissions import AllowAny

from cedrina.http.problems import CONTENT_TYPE
from cedrina.openapi.headers import rate_limit_headers, refer_to_components
from cedrina.openapi.problem_responses import (
    VALIDATION_ERROR,
    WITH_TOKEN,
    codes_by_response,
    limit_codes,
    problem_response,
    response_name,
)

ALWAYS = ("not_acceptable", "internal_error", "service_unavailable")
WITH_BODY = ("malformed_request", "request_timeout", "payload_too_large", "unsupported_media_type", VALIDATION_ERROR)
WITH_PARAMETER = ("not_found",)
ACCESS_TOKEN = "accessToken"
_FIRST_SENTENCE = re.compile(r"[^.:;]+")


class ProblemAutoSchema(AutoSchema):
    """drf-spectacular's ``AutoSchema``, with problems and shared headers in the responses of each operation."""

    def get_summary(self) -> str | None:
        """Return the first sentence of the description, for a view that declares no summary."""
        found = _FIRST_SENTENCE.match(" ".join(str(self.get_description() or "").split()))
        return found.group() if found else None

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the one security scheme, whichever authentication class the view has; nothing for none."""
        if not self.view.get_authenticators():
            return []
        return [{ACCESS_TOKEN: []}, {}] if self._is_public() or self._is_public_to_some() else [{ACCESS_TOKEN: []}]

    def _is_public(self) -> bool:
        return any(isinstance(permission, AllowAny) for permission in self.view.get_permissions())

    def _is_public_to_some(self) -> bool:
        """Return whether some callers need no token, such as machines of networks that the operator names."""
        return any(getattr(permission, "is_public_to_some", False) for permission in self.view.get_permissions())

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
        # Without it, a list of the whole document would apply, and the reader can't tell what is meant.
        operation.setdefault("security", [])
        responses = operation["responses"]
        for response in responses.values():
            refer_to_components(response)
            if headers := {**response.get("headers", {}), **rate_limit_headers()}:
                response["headers"] = headers
        fields = getattr(self.view, "field_codes", {}).get(method.lower())
        for status, codes in codes_by_response(self._codes(operation, method.lower()), own=responses).items():
            problem = _shared(codes, registry, field_codes=fields if VALIDATION_ERROR in codes else None)
            responses[status] = _beside_own(responses.get(status), problem, codes)
        operation["responses"] = {status: responses[status] for status in sorted(responses)}
        return operation

    def _codes(self, operation: dict[str, Any], verb: str) -> list[str]:
        """Return the codes of an operation: its own, those of its permissions, and those that any such call has."""
        codes = [*ALWAYS, *limit_codes(), *getattr(self.view, "problem_codes", {}).get(verb, ())]
        for permission in self.view.get_permissions():
            codes += getattr(permission, "problem_codes", ())
        if "requestBody" in operation:
            codes += WITH_BODY
        if not self._is_public():
            codes += WITH_TOKEN
        if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
            codes += WITH_PARAMETER
        return codes


def _shared(codes: list[str], registry: Any, *, field_codes: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a reference to the shared response of some codes, which is registered if it is new."""
    name = response_name(codes, field_codes=field_codes)
    component = ResolvedComponent(  # type: ignore[no-untyped-call]  # as above
        name, ResolvedComponent.RESPONSE, problem_response(codes, field_codes=field_codes), object=name
    )
    registry.register_on_missing(component)
    return dict(component.ref)


def _beside_own(own: dict[str, Any] | None, problem: dict[str, Any], codes: list[str]) -> dict[str, Any]:
    """Return a problem beside the response that the view itself declares for the status, such as that of RFC 6749."""
    if own is None:
        return problem
    whole = problem_response(codes)
    described = f"{own.get('description', '')} {whole['description']}".strip()
    content = {**own.get("content", {}), CONTENT_TYPE: whole["content"][CONTENT_TYPE]}
    headers = {**own.get("headers", {}), **whole.get("headers", {})}
    return {"description": described, **({"headers": headers} if headers else {}), "content": content}
