"""Headers of responses whose text depends on the reader's language."""

from typing import TypeVar

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)


def set_content_language(response: AnyResponse) -> AnyResponse:
    """Set Content-Language, and Vary for Accept-Language (RFC 9110, 8.5 and 12.5.5); return the response."""
    patch_vary_headers(response, ["Accept-Language"])
    response.headers.setdefault("Content-Language", get_language() or settings.LANGUAGE_CODE)
    return response
