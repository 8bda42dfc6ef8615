"""Calls to providers, none of which may hold anybody up: bounded in time, in size and in number at a time."""

import functools
import os
import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from django.utils.module_loading import import_string

from accounts.conf import account_settings
from accounts.errors import ProviderUnavailable, SocialTokenInvalid

CONNECT_SECONDS = 3.05
READ_SECONDS = 4.0
TOTAL_SECONDS = 8.0
MOST_BYTES = 512 * 1024
AT_A_TIME = 8  # calls of one process to one host; those beyond are sent away instead of filling the server's threads
_CHUNK = 16 * 1024
_TOO_MANY_REQUESTS, _ERRORS, _REDIRECTS = 429, 500, range(300, 400)


class BoundedSession(requests.Session):
    """Asks once, follows no redirect, and gives up soon. It takes credentials from its caller alone."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is  # or a .netrc would be sent along

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the answer, whole.

        Raises: ProviderUnavailable when there is none in time, SocialTokenInvalid for one that no provider gives.
        """
        kwargs.update(timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True)
        host = urlsplit(url if isinstance(url, str) else url.decode()).netloc
        room = _room(host)
        if not room.acquire(blocking=False):
            raise ProviderUnavailable(reason="too_many_calls")
        try:
            response = super().request(method, url, *args, **kwargs)
            _read(response)
        except requests.RequestException as error:
            # Without its cause, whose words hold the address with its parameters.
            raise ProviderUnavailable(reason=type(error).__name__) from None
        finally:
            room.release()
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
    """Return what an answer says, if it is a JSON object.

    Raises: SocialTokenInvalid.
    """
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SocialTokenInvalid(reason="unreadable_answer")
    return document


def while_waiting() -> AbstractContextManager[object]:
    """Return what a request does while it waits for a provider: it lets others compute."""
    path = account_settings.WHILE_WAITING
    if path is None:
        return nullcontext()
    context: AbstractContextManager[object] = import_string(path)()
    return context


def _read(response: requests.Response) -> None:
    deadline = time.monotonic() + TOTAL_SECONDS
    content = bytearray()
    with response:
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > MOST_BYTES:
                raise SocialTokenInvalid(reason="too_large")
            if time.monotonic() > deadline:
                raise ProviderUnavailable(reason="too_slow")
    response._content = bytes(content)  # noqa: SLF001 - as the library keeps it


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


@functools.cache
def _room(_host: str) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(AT_A_TIME)


with suppress(AttributeError):  # where there is no fork
    os.register_at_fork(after_in_child=_room.cache_clear)
