"""HTTP calls to providers, limited in time, in size, and in number at a time, so that none can block the server."""

import functools
import os
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests

from accounts.errors import ProviderUnavailable, SocialTokenInvalid
from cedrina_base.tracing import call_span

CONNECT_SECONDS = 3.05
READ_SECONDS = 4.0
TOTAL_SECONDS = 8.0
MAX_RESPONSE_BYTES = 512 * 1024
MAX_CONCURRENT_CALLS = 8  # of one process to one host; further calls are refused, or they would fill the threads
_CHUNK = 16 * 1024
_TOO_MANY_REQUESTS, _ERRORS, _REDIRECTS = 429, 500, range(300, 400)


class BoundedSession(requests.Session):
    """A session without retries and redirects, with short timeouts, and with the caller's credentials only."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = _no_auth  # otherwise requests would send credentials of a .netrc file

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the response after its whole body was read.

        Raises: ProviderUnavailable when it does not come in time, SocialTokenInvalid for a redirect or a huge body.
        """
        kwargs.update(timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True)
        parts = urlsplit(url if isinstance(url, str) else url.decode())
        host = parts.netloc
        slots = _slots(host)
        if not slots.acquire(blocking=False):
            raise ProviderUnavailable(reason="too_many_calls")
        try:
            with call_span(
                str(method), {"http.request.method": str(method), "server.address": parts.hostname or ""}
            ) as span:
                response = super().request(method, url, *args, **kwargs)
                span.set("http.response.status_code", response.status_code)
                _read(response)
        except requests.RequestException as error:
            # Without its cause, whose message holds the address with its parameters.
            raise ProviderUnavailable(reason=type(error).__name__) from None
        finally:
            slots.release()
        if response.status_code >= _ERRORS or response.status_code == _TOO_MANY_REQUESTS:
            raise ProviderUnavailable(reason=f"status_{response.status_code}")
        if response.status_code in _REDIRECTS:
            raise SocialTokenInvalid(reason="redirect")
        return response


def get_json(url: str, **options: Any) -> dict[str, Any]:
    """Return the JSON object at an address of a provider.

    Raises: ProviderUnavailable, SocialTokenInvalid.
    """
    with BoundedSession() as session:
        response = session.get(url, **options)
    if not response.ok:
        raise SocialTokenInvalid(reason=f"status_{response.status_code}")
    return json_object(response)


def json_object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object in the body of a response.

    Raises: SocialTokenInvalid.
    """
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SocialTokenInvalid(reason="unreadable_answer")
    return document


def _read(response: requests.Response) -> None:
    deadline = time.monotonic() + TOTAL_SECONDS
    content = bytearray()
    with response:
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                raise SocialTokenInvalid(reason="too_large")
            if time.monotonic() > deadline:
                raise ProviderUnavailable(reason="too_slow")
    response._content = bytes(content)  # noqa: SLF001 - requests has no public way to hand over a body that was read in parts


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


@functools.cache
def _slots(_host: str) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(MAX_CONCURRENT_CALLS)


with suppress(AttributeError):  # where there is no fork
    os.register_at_fork(after_in_child=_slots.cache_clear)
