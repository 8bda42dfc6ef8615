"""What happens to every request: an id, an address, a language, and the headers that every answer carries."""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.utils import translation

from cedrina import problems, response_headers
from cedrina.correlation import ENVIRON_KEY, HEADER, correlation_id
from cedrina.languages import negotiated
from cedrina.paths import is_mailed_page, is_static, known_paths, speaks_html
from cedrina.problem_catalogue import status_code
from ratelimiting.api.headers import NAMES as RATE_LIMIT_HEADERS
from ratelimiting.client_addresses.resolution import client_from_environ, is_trusted_peer
from ratelimiting.detection import evasion, proxy_misconfiguration
from security_events.context import RequestContext, bind
from tokens.api.words import depends_on_language

LONGEST_USER_AGENT = 512
LONGEST_HOST = 253 + len(":65535")  # RFC 1035, 2.3.4, and a port
FIRST_ERROR = 400
NOT_ALLOWED = 405
UNKNOWN_METHOD = "UNKNOWN"
LED_NOWHERE = frozenset({400, 404, 405})
# Asked by whoever watches over the servers, from elsewhere than where people come from.
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
# Answered under any Host: health checks address a container or a machine, not the name that people use. The answers
# tell nothing and are built from nothing that was sent.
ANY_HOST = frozenset({"/livez", "/readyz"})


class RequestMiddleware:
    """One layer instead of five: the API's answers are small, so each layer would show."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._api = tuple(response_headers.of_api().items())
        self._mailed_pages = tuple(response_headers.of_mailed_pages().items())
        self._pages = tuple(response_headers.of_pages().items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        if meta["REQUEST_METHOD"] not in evasion.METHODS:
            # Methods are told apart by case (RFC 9110, 9.1); Django would take `get` for GET.
            request.method = UNKNOWN_METHOD
        identity = request.correlation_id = correlation_id(meta.get(ENVIRON_KEY))  # type: ignore[attr-defined]
        if "HTTP_X_FORWARDED_PROTO" in meta and not is_trusted_peer(meta.get("REMOTE_ADDR")):
            # Django would believe it of anybody, once SECURE_PROXY_SSL_HEADER is set.
            del meta["HTTP_X_FORWARDED_PROTO"]
        caller = request.caller = client_from_environ(meta)  # type: ignore[attr-defined]
        address = request.client_ip = caller.address  # type: ignore[attr-defined]
        user_agent = meta.get("HTTP_USER_AGENT", "")[:LONGEST_USER_AGENT]
        with bind(RequestContext(correlation_id=identity, ip_address=address, user_agent=user_agent)):
            if request.path_info not in PROBES:
                proxy_misconfiguration.count_request(caller, user_agent)
            accepted = meta.get("HTTP_ACCEPT_LANGUAGE")
            language = negotiated(accepted) if accepted else settings.LANGUAGE_CODE
            if language == settings.LANGUAGE_CODE:
                response = self._respond(request)
            else:
                with translation.override(language):
                    response = self._respond(request)
            if response.status_code in LED_NOWHERE or evasion.has_override_header(meta):
                evasion.inspect_unmatched_request(
                    meta, path=request.path_info, network=caller.network, known=known_paths()
                )
        response.headers[HEADER] = identity
        return response

    def _respond(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path not in ANY_HOST and not _is_ours(request.META.get("HTTP_HOST", ""), tuple(settings.ALLOWED_HOSTS)):
            response = problems.response(request, "malformed_request")
        else:
            response = self.get_response(request)
        headers = response.headers
        if response.status_code >= FIRST_ERROR and not speaks_html(path):
            response = self._as_problem(request, response)
            headers = response.headers
        if speaks_html(path):
            fixed = self._mailed_pages if is_mailed_page(path) else self._pages
            if not is_static(path) or response.status_code >= FIRST_ERROR:
                depends_on_language(response)
        else:
            fixed = self._api
            if "Cache-Control" not in headers:
                headers["Cache-Control"] = "no-store"
        for name, value in fixed:
            headers[name] = value
        return response

    def _as_problem(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Give an error that was not ours the shape of the contract; what is one already passes."""
        if response.status_code == NOT_ALLOWED and "Allow" in response.headers:
            # OPTIONS is listed by the framework but answered by nobody.
            methods = [method for method in response.headers["Allow"].split(", ") if method != "OPTIONS"]
            response.headers["Allow"] = ", ".join(methods)
        if response.headers.get("Content-Type", "").startswith((problems.CONTENT_TYPE, "application/json")):
            return response
        code = status_code(response.status_code)
        problem = problems.response(request, code, status=response.status_code)
        for name in ("Allow", "WWW-Authenticate", "Retry-After", *RATE_LIMIT_HEADERS):
            if name in response.headers:
                problem.headers[name] = response.headers[name]
        return problem


def _is_ours(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether the Host header names this server. HTTP/1.0 may leave it out; no answer is built from it anyway."""
    return not host or (len(host) <= LONGEST_HOST and _is_among(host, allowed))


@lru_cache(maxsize=256)
def _is_among(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)
