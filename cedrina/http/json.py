"""JSON in and out: strict about what comes in, fast about what goes out."""

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

DEEPEST = 32
# Of an Accept header so much is read, and longer ones are not remembered: they would let strangers fill the memory.
LONGEST_ACCEPT, LONGEST_REMEMBERED = 1024, 256


class PayloadTooLarge(APIException):
    status_code = 413
    default_code = "payload_too_large"
    default_detail = ""


class StrictJSONParser(BaseParser):
    """One UTF-8 JSON object, at most 64 KiB, no member twice, nothing that later layers would stumble over."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        meta = parser_context["request"].META if parser_context else {}
        content_type = media_type or ""
        if meta.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity" or not _is_utf8(content_type):
            raise UnsupportedMediaType(content_type)
        if int(meta.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
            raise PayloadTooLarge
        return loads(stream.read())


def loads(data: bytes) -> dict[str, Any]:
    """Read one object.

    Raises: ParseError.
    """
    try:
        # Values are not kept in the parser's cache: they hold passwords and tokens.
        value = jiter.from_json(data, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError as error:
        raise ParseError from error
    if not isinstance(value, dict):
        raise ParseError
    _refuse_oddities(value, b"\\u0000" in data)
    return value


def _refuse_oddities(root: dict[str, Any], may_hold_nul: bool) -> None:
    """Refuse what is JSON but has no business here: depth, infinite numbers (1e400), NUL."""
    level: list[Any] = [root]
    for _depth in range(DEEPEST):
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


class FastJSONRenderer(BaseRenderer):
    """orjson; times are RFC 3339 in UTC with Z."""

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


class OnlyJSONNegotiation(BaseContentNegotiation):
    """There is one parser and one renderer; only a caller who accepts neither JSON nor anything is refused."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        if not accepts_json(request.META.get("HTTP_ACCEPT", "*/*")):
            raise NotAcceptable
        return renderers[0], renderers[0].media_type


def accepts_json(header: str) -> bool:
    """Whether an Accept header lets us answer in JSON: the most specific range that fits decides (RFC 9110, 12.5.1)."""
    if len(header) <= LONGEST_REMEMBERED:
        return _accepts_json(header)
    return _accepts_json.__wrapped__(header[:LONGEST_ACCEPT])


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
