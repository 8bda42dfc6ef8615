"""Typed settings of an app: one dict in the project's settings, one property for each name in it."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, TypeVar, cast

from django.conf import settings
from django.utils.module_loading import import_string

T = TypeVar("T")


class AppSettings:
    """Base of an app's settings, read from the dict that the Django setting ``SETTING`` holds.

    A subclass has one property in capitals for each name in the dict; the property's docstring documents it. The dict
    is read at every access, so that ``override_settings`` works in tests.
    """

    SETTING: ClassVar[str]

    @classmethod
    def names(cls) -> frozenset[str]:
        """Return the names that the dict may hold."""
        return frozenset(name for name, member in vars(cls).items() if isinstance(member, property) and name.isupper())

    def given(self) -> dict[str, Any]:
        """Return the dict of the project; an empty one if the project has none."""
        return cast("dict[str, Any]", getattr(settings, self.SETTING, {}))

    def unknown_names(self) -> list[str]:
        """Return the names in the dict that are no settings, in the dict's order."""
        known = self.names()
        return [name for name in self.given() if name not in known]

    def _get(self, name: str, default: T) -> T:
        value: T = self.given().get(name, default)
        return value

    def _function(self, name: str, default: str) -> Callable[..., Any]:
        """Return the function whose dotted path the dict holds."""
        return imported(self._get(name, default))


@lru_cache(maxsize=64)
def imported(dotted: str) -> Callable[..., Any]:
    """Return the function with a dotted path.

    Raises: ImportError.
    """
    return cast("Callable[..., Any]", import_string(dotted))
