"""What is counted of HTTP requests."""

from cedrina_base.measures import OTHER, Counter, Histogram

# The environ's member for the name of the route, which the middleware writes once Django has resolved it.
ROUTE = "cedrina.route"
UNMATCHED = "unmatched"  # of a request whose path has no route, and of one that was refused before
ADMIN, _ADMIN_PREFIX = "admin", "admin:"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_METHOD_NOT_ALLOWED = 405
REQUESTS = Counter("http_requests_total", "HTTP requests answered.", ["method", "route", "status"], most_sets=1500)
# With the bounds of the objectives: 25 ms for token checks, 250 ms beyond the hash for sign-ins.
SECONDS = Histogram(
    "http_request_seconds",
    "Time until the response, without reading the body, in seconds.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    most_sets=300,
)


def route_of(view_name: str) -> str:
    """Return the name of a route. The pages of the admin are one: each has a route of its own, and they are many."""
    return ADMIN if view_name.startswith(_ADMIN_PREFIX) else view_name


def known_method(method: str) -> str:
    """Return the method of a request if HTTP or its common extensions define it, otherwise an empty text."""
    return method if method in _METHODS else ""


def count_response(*, method: str, route: str, status: int) -> None:
    """Count a response. Methods that the route does not have are one, because a client chooses them."""
    known = method if method in _METHODS and status != _METHOD_NOT_ALLOWED else OTHER
    REQUESTS.count(known, route, _STATUSES[status])


class _Statuses(dict[int, str]):
    """The text of each status, made once."""

    def __missing__(self, status: int) -> str:
        text = self[status] = str(status)
        return text


_STATUSES = _Statuses()
