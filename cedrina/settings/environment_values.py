"""The parsed values of the environment."""

from typing import Any


class EnvironmentValues:
    """The value of each setting by its name. ``given`` are the names that the environment has."""

    def __init__(self, values: dict[str, Any], given: frozenset[str]) -> None:
        self._values = values
        self.given = given

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    @property
    def is_development(self) -> bool:
        return bool(self["CEDRINA_ENV"] == "development")
