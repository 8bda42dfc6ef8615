"""Parameters in form bodies (RFC 6749, 3.2 and appendix B)."""

from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from tokens.api.oauth.errors import OAuthProblem, invalid_request

CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_BYTES = 64 * 1024
MAX_PARAMETERS = 50


def oauth_form(request: HttpRequest) -> dict[str, str]:
    """Return the parameters of a request; those without a value count as left out (RFC 6749, 3.2).

    The result is kept on the request, so the limiter and the view together parse a body once.

    Raises: OAuthProblem, for another content type or encoding, a malformed body, or a parameter that is given twice.
    """
    plain: Any = request
    kept: dict[str, str] | OAuthProblem | None = getattr(plain, "_oauth_form", None)
    if kept is None:
        try:
            kept = _parameters(request)
        except OAuthProblem as problem:
            kept = problem
        plain._oauth_form = kept  # noqa: SLF001 - an attribute of ours
    if isinstance(kept, OAuthProblem):
        raise kept
    return kept


def _parameters(request: HttpRequest) -> dict[str, str]:
    _check_content_type(request)
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise _too_large() from error
    if len(body) > MAX_BYTES:
        raise _too_large()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:  # also for bytes that are no UTF-8
        raise invalid_request("The body is not form-encoded UTF-8, or has too many parameters.") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise invalid_request("The body holds a NUL character.")
        if name in found:
            raise invalid_request("A parameter stands there more than once.")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def _check_content_type(request: HttpRequest) -> None:
    media_type, *parameters = (part.strip().lower() for part in request.META.get("CONTENT_TYPE", "").split(";"))
    charsets = [
        value.strip('" ') for name, _, value in (each.partition("=") for each in parameters) if name == "charset"
    ]
    is_plain = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() == "identity"
    if media_type != CONTENT_TYPE or not is_plain or any(each not in ("utf-8", "utf8") for each in charsets):
        raise invalid_request(f"The body must be {CONTENT_TYPE} in UTF-8.")


def _too_large() -> OAuthProblem:
    return OAuthProblem("invalid_request", "The body is larger than 64 KiB.", status=413)
