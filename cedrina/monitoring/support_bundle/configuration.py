"""The configuration without anything that is secret or names somebody."""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from cedrina.settings.base import ENV
from cedrina.settings.environment_settings import SETTINGS

# Only values of these types are shown: a number or a switch is no secret, and a choice is one of the names of the code.
_SHOWN = (bool, int, float)


def shown_settings() -> dict[str, Any]:
    """Return all settings by name: numbers, switches and choices as they are, of all others whether they are set."""
    return {name: _shown(getattr(ENV, name), field) for name, field in SETTINGS.items()}


def _shown(value: Any, field: FieldInfo) -> Any:
    if value is None or isinstance(value, _SHOWN) or _is_choice(field.annotation):
        return value
    described: dict[str, Any] = {"is_default": value == field.get_default(call_default_factory=True)}
    if isinstance(value, (list, Mapping)):
        described["entries"] = len(value)
    else:
        described["is_set"] = bool(value)
    return described


def _is_choice(annotation: Any) -> bool:
    """Return whether a type allows only literals, or ``None``."""
    parts = get_args(annotation) if get_origin(annotation) is not Literal else (annotation,)
    return bool(parts) and all(get_origin(part) is Literal or part is type(None) for part in parts)
