"""The security headers of responses. Middleware and the refusals before Django use the same ones."""

from django.conf import settings

# API responses are no documents. A browser that shows one as a document loads and runs nothing (ASVS 5.0, 3.4.3).
API_CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'"


def api_headers() -> dict[str, str]:
    """Return the headers of API responses."""
    return {**_everywhere(), "Referrer-Policy": "no-referrer", "Content-Security-Policy": API_CONTENT_SECURITY_POLICY}


def mailed_link_headers() -> dict[str, str]:
    """Return the headers of pages whose address is a secret. django-csp adds their content policy."""
    return {**_everywhere(), "Referrer-Policy": "no-referrer"}


def page_headers() -> dict[str, str]:
    """Return the headers of other pages. Their forms need a Referer, otherwise the CSRF check fails."""
    return {**_everywhere(), "Referrer-Policy": "same-origin"}


def _everywhere() -> dict[str, str]:
    hsts = _strict_transport_security()
    return {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), usb=()",
        **({"Strict-Transport-Security": hsts} if hsts else {}),
    }


def _strict_transport_security() -> str:
    if not settings.SECURE_HSTS_SECONDS:
        return ""
    parts = [f"max-age={settings.SECURE_HSTS_SECONDS}"]
    if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
        parts.append("includeSubDomains")
    if settings.SECURE_HSTS_PRELOAD:
        parts.append("preload")
    return "; ".join(parts)
