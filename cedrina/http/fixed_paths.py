"""Find the view of a path without variable parts by a dictionary. Django tries one route after the other."""

from collections.abc import Sequence

from django.urls import ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RoutePattern


class FixedPathsFirst(URLResolver):
    """Routes below a prefix, as ``path(prefix, include(routes))`` has them.

    A path that is a route as it stands leads to the same view each time: it is searched for once. So at most as many
    paths are kept as there are routes. Trying the 70 routes before the last ones of our API took 90 microseconds.
    """

    def __init__(self, prefix: str, routes: Sequence[URLPattern | URLResolver]) -> None:
        super().__init__(RoutePattern(prefix), routes)
        self._found: dict[str, ResolverMatch] = {}

    def resolve(self, path: str) -> ResolverMatch:
        """Return the view of a path. Raises: Resolver404."""
        known = self._found.get(path)
        if known is not None:
            return known
        found = super().resolve(path)
        if f"{self.pattern}{found.route}" == path:
            self._found[path] = found
        return found
