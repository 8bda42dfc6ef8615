"""Answers whose words depend on the reader's language."""

from typing import TypeVar

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

Answer = TypeVar("Answer", bound=HttpResponseBase)


def set_content_language(answer: Answer) -> Answer:
    """Say of an answer in which language it is, and that another Accept-Language gets another (RFC 9110, 12.5.5)."""
    patch_vary_headers(answer, ["Accept-Language"])
    answer.headers.setdefault("Content-Language", get_language() or settings.LANGUAGE_CODE)
    return answer
