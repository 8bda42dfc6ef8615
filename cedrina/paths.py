"""Which paths are pages for a browser; everything else is answered to programs."""

PAGES = ("/admin/", "/api/docs", "/api/schema", "/static/")


def is_page(path: str) -> bool:
    """Whether sessions, CSRF checks and HTML answers apply to this path."""
    return path.startswith(PAGES)


def speaks_html(path: str) -> bool:
    """Whether an error on this path is shown to a person."""
    return path.startswith(("/admin/", "/api/docs", "/static/"))


# Calls that compute a password hash, and so wait a quarter of a second at least.
HASHING = frozenset(
    {
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/api/v1/auth/reauthenticate",
        "/api/v1/auth/change-password",
        "/admin/login/",
    }
)


def waits_for_hashing(path: str) -> bool:
    """Whether a request on this path will wait for the hashing pool."""
    return path in HASHING
