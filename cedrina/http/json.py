"""The JSON parser, renderer and content negotiation of the API."""

from collections.abc import Mapping
from functools import lru_cache
from math import isinf
from typing import IO, Any

import jiter
import orjson
from django.conf import settings
from django.utils.functional import Promise
from rest_framework.exceptions import APIException, NotAcceptable, ParseError, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

MAX_DEPTH = 32
# The number of characters of an Accept header that are read, and the longest header that is cached: clients could fill
# the memory with longer ones.
MAX_ACCEPT_LENGTH, MAX_CACHED_LENGTH = 1024, 256


class PayloadTooLarge(APIException):
    """The body is larger than MAX_BODY_BYTES."""

    status_code = 413
    default_code = "payload_too_large"
    default_detail = ""


class StrictJSONParser(BaseParser):
    """Parses one JSON object in UTF-8 of at most 64 KiB, without duplicate members."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        request = parser_context["request"] if parser_context else None
        meta = request.META if request else {}
        content_type = media_type or ""
        if meta.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity" or not _is_utf8(content_type):
            raise UnsupportedMediaType(content_type)
        if int(meta.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
            raise PayloadTooLarge
        # Django REST framework's request has the attributes of Django's.
        return body_object(request) if hasattr(request, "json_body") else parse_object(stream.read())


def body_object(request: Any) -> dict[str, Any]:
    """Return the JSON object in the body of Django's request, whatever its Content-Type says.

    It is kept on the request, so the limiter and the view together parse a body once.

    Raises: ParseError, SuspiciousOperation or OSError if the body can't be read.
    """
    if not hasattr(request, "json_body"):
        try:
            request.json_body = parse_object(request.body)
        except ParseError:
            request.json_body = None
    found: dict[str, Any] | None = request.json_body
    if found is None:
        raise ParseError
    return found


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse one JSON object.

    Raises: ParseError, also for valid JSON that is too deep or has infinite numbers or NUL characters.
    """
    try:
        # The parser's cache keeps member names only: values are passwords and tokens.
        value = jiter.from_json(data, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError as error:
        raise ParseError from error
    if not isinstance(value, dict):
        raise ParseError
    _refuse_unusable_values(value, b"\\u0000" in data)
    return value


def _refuse_unusable_values(root: dict[str, Any], may_hold_nul: bool) -> None:
    """Refuse values that later code cannot store or render: too deep, infinite (1e400), or with NUL characters."""
    level: list[Any] = [root]
    for _depth in range(MAX_DEPTH):
        below: list[Any] = []
        for container in level:
            is_object = type(container) is dict
            for item in container.values() if is_object else container:
                kind = type(item)
                if kind is str:
                    if may_hold_nul and "\0" in item:
                        raise ParseError
                elif kind is dict or kind is list:
                    below.append(item)
                elif kind is float and isinf(item):
                    raise ParseError
            if may_hold_nul and is_object and any("\0" in key for key in container):
                raise ParseError
        if not below:
            return
        level = below
    raise ParseError


@lru_cache(maxsize=256)
def _is_utf8(content_type: str) -> bool:
    parameters = content_type.lower().split(";")[1:]
    pairs = (parameter.partition("=") for parameter in parameters)
    charsets = [value.strip(' "') for name, _, value in pairs if name.strip() == "charset"]
    return all(charset in {"utf-8", "utf8"} for charset in charsets)


class OrjsonRenderer(BaseRenderer):
    """Renders JSON with orjson. Times are in UTC, with Z (RFC 3339)."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: object) -> str:
    if isinstance(value, Promise):
        return str(value)
    raise TypeError


class JSONOnlyNegotiation(BaseContentNegotiation):
    """Selects the one parser and the one renderer. A client that does not accept JSON gets 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        if not accepts_json(request.META.get("HTTP_ACCEPT", "*/*")):
            raise NotAcceptable
        return renderers[0], renderers[0].media_type


def accepts_json(header: str) -> bool:
    """Return whether an Accept header accepts JSON. The most specific matching range decides (RFC 9110, 12.5.1)."""
    if len(header) <= MAX_CACHED_LENGTH:
        return _accepts_json(header)
    return _accepts_json.__wrapped__(header[:MAX_ACCEPT_LENGTH])


@lru_cache(maxsize=512)
def _accepts_json(header: str) -> bool:
    best, accepted = -1, not header.strip()
    for item in header.lower().split(","):
        media_range, *parameters = (part.strip() for part in item.split(";"))
        specificity = _RANGES.get(media_range, -1)
        if specificity > best:
            best, accepted = specificity, not any(_is_zero(parameter) for parameter in parameters)
    return accepted


_RANGES = {"*/*": 0, "application/*": 1, "application/problem+json": 2, "application/json": 3}


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip(" 0") in {"", "."}
