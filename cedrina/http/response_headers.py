"""The security headers of answers, the same wherever an answer is made."""

from django.conf import settings

# Nothing of the API is a document: should a browser show an answer as one, it loads and runs nothing (ASVS 5.0, 3.4.3).
NO_DOCUMENT = "default-src 'none'; frame-ancestors 'none'"


def of_api() -> dict[str, str]:
    """Return the headers of answers to programs."""
    return {**_everywhere(), "Referrer-Policy": "no-referrer", "Content-Security-Policy": NO_DOCUMENT}


def of_mailed_pages() -> dict[str, str]:
    """Return the headers of pages whose address is a secret. Their content policy is that of django-csp."""
    return {**_everywhere(), "Referrer-Policy": "no-referrer"}


def of_pages() -> dict[str, str]:
    """Return the headers of other pages: their forms must tell where they came from, or their CSRF check fails."""
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
