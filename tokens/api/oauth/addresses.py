"""The addresses of the OAuth endpoints, as the server metadata names them (RFC 8414, 2)."""

from django.urls import NoReverseMatch, get_script_prefix, reverse

from tokens.conf import token_settings

TOKEN, INTROSPECTION, REVOCATION = "oauth-token", "oauth-introspect", "oauth-revoke"


def endpoint(name: str) -> str | None:
    """Return the address of a route below the issuer, ``None`` where the project has no such route."""
    try:
        path = reverse(name)
    except NoReverseMatch:
        return None
    # The issuer has the prefix below which a project is mounted, if there is one.
    return f"{token_settings.ISSUER}/{path.removeprefix(get_script_prefix())}"


def assertion_audiences() -> tuple[str, ...]:
    """Return what a client assertion may be for (OpenID Connect Core, 9; RFC 7523bis, 4)."""
    return tuple(filter(None, (token_settings.ISSUER, endpoint(TOKEN))))
