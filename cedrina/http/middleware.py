"""The middleware of each request: correlation id, client address, language, and the headers of each response."""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.utils import translation

from cedrina.http import changed_tiers, error_pages, measures, problems, response_headers
from cedrina.http.correlation import ENVIRON_KEY, HEADER, correlation_id
from cedrina.http.languages import negotiate_language
from cedrina.http.paths import MONITORING_PATHS, answers_html, fixed_paths, is_mailed_link_page, is_static
from cedrina.http.problem_catalogue import code_of_status
from cedrina.http.response_headers import FixedHeaders
from cedrina_base.content_language import set_content_language
from ratelimiting.api.headers import NAMES as RATE_LIMIT_HEADERS
from ratelimiting.client_addresses.networks import normalise
from ratelimiting.client_addresses.resolution import client_from_environ, is_trusted_peer
from ratelimiting.detection import evasion, proxy_misconfiguration
from security_events.context import RequestContext, bind

MAX_USER_AGENT_LENGTH = 512
MAX_HOST_LENGTH = 253 + len(":65535")  # RFC 1035, 2.3.4, and a port
FIRST_ERROR = 400
NOT_ALLOWED = 405
UNKNOWN_METHOD = "UNKNOWN"
STATUSES_OF_ODD_REQUESTS = frozenset({400, 404, 405})
# Called by monitoring, from other networks than those of people. Answered under any Host, because health checks address
# a container or a machine, not its public name. The responses contain no part of the request.
HEALTH_PATHS = frozenset({"/livez", "/readyz"})
# What operators' machines ask of each server by its address, or by the name of its container. A browser that was led
# here by a foreign name (DNS rebinding) sends that name, which has a dot.
FIGURE_PATHS = frozenset({"/metrics", "/api/v1/health"})


class RequestMiddleware:
    """One middleware instead of five, because each middleware costs every call of the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._api = FixedHeaders(response_headers.api_headers())
        self._mailed_pages = FixedHeaders(response_headers.mailed_link_headers())
        self._pages = FixedHeaders(response_headers.page_headers())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        if meta["REQUEST_METHOD"] not in evasion.METHODS:
            # Methods are case-sensitive (RFC 9110, 9.1); Django would treat `get` as GET.
            request.method = UNKNOWN_METHOD
        identity = request.correlation_id = correlation_id(meta.get(ENVIRON_KEY))  # type: ignore[attr-defined]
        if "HTTP_X_FORWARDED_PROTO" in meta and not is_trusted_peer(meta.get("REMOTE_ADDR")):
            # With SECURE_PROXY_SSL_HEADER set, Django would trust it from any client.
            del meta["HTTP_X_FORWARDED_PROTO"]
        caller = request.caller = client_from_environ(meta)  # type: ignore[attr-defined]
        address = request.client_ip = caller.address  # type: ignore[attr-defined]
        user_agent = meta.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT_LENGTH]
        with bind(RequestContext(correlation_id=identity, ip_address=address, user_agent=user_agent)):
            if request.path_info not in MONITORING_PATHS:
                proxy_misconfiguration.count_request(caller, user_agent)
            accepted = meta.get("HTTP_ACCEPT_LANGUAGE")
            language = negotiate_language(accepted) if accepted else settings.LANGUAGE_CODE
            if language == settings.LANGUAGE_CODE:
                response = self._respond(request)
            else:
                with translation.override(language):
                    response = self._respond(request)
            if response.status_code in STATUSES_OF_ODD_REQUESTS or evasion.has_override_header(meta):
                evasion.inspect_unmatched_request(
                    meta, path=request.path_info, network=caller.network, known=fixed_paths()
                )
        response.headers[HEADER] = identity
        return response

    def _respond(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        host = request.META.get("HTTP_HOST", "")
        if (
            path not in HEALTH_PATHS
            and not _is_allowed_host(host, tuple(settings.ALLOWED_HOSTS))
            and not (path in FIGURE_PATHS and _is_name_of_machine(host))
        ):
            response = error_pages.response(request, "malformed_request")
        else:
            response = self.get_response(request)
            changed_tiers.note_tier(request)
            if request.resolver_match is not None:
                request.META[measures.ROUTE] = measures.route_of(request.resolver_match.view_name)
        is_page = answers_html(path)
        if response.status_code >= FIRST_ERROR:
            response = self._as_error(request, response)
            content_type = response.headers.get("Content-Type", "")
            is_page = content_type.startswith("text/html") if not is_page else content_type != problems.CONTENT_TYPE
        headers = response.headers
        if is_page:
            fixed = self._mailed_pages if is_mailed_link_page(path) else self._pages
            if not is_static(path) or response.status_code >= FIRST_ERROR:
                set_content_language(response)
        else:
            fixed = self._api
            if "Cache-Control" not in headers:
                headers["Cache-Control"] = "no-store"
        fixed.add_to(response, request.META)
        return response

    def _as_error(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Return an error of the framework as a problem (RFC 9457) or a page. One of ours is returned unchanged."""
        if response.status_code == NOT_ALLOWED and "Allow" in response.headers:
            # The framework lists OPTIONS, but no view answers it.
            methods = [method for method in response.headers["Allow"].split(", ") if method != "OPTIONS"]
            response.headers["Allow"] = ", ".join(methods)
        if error_pages.is_answered(response):
            return response
        code = code_of_status(response.status_code)
        answer = error_pages.response(request, code, status=response.status_code)
        for name in ("Allow", "WWW-Authenticate", "Retry-After", *RATE_LIMIT_HEADERS):
            if name in response.headers:
                answer.headers[name] = response.headers[name]
        return answer


def _is_allowed_host(host: str, allowed: tuple[str, ...]) -> bool:
    """Return whether the Host header is allowed. HTTP/1.0 may omit it; no response is built from it."""
    return not host or (len(host) <= MAX_HOST_LENGTH and _matches_allowed_host(host, allowed))


def _is_name_of_machine(host: str) -> bool:
    """Return whether a Host header is an IP address, or a name without a dot."""
    if len(host) > MAX_HOST_LENGTH:
        return False
    domain, _port = split_domain_port(host)
    return bool(domain) and ("." not in domain or normalise(domain) is not None)


@lru_cache(maxsize=256)
def _matches_allowed_host(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)
