"""One setting of the environment: its name, type, default and description, and the parser of each type."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from enum import StrEnum
from typing import Any

from accounts.identifiers import ascii_email

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})


class SettingType(StrEnum):
    """The types of settings. Their values are the words of docs/configuration.md."""

    TEXT = "text"
    NUMBER = "whole number"
    SWITCH = "true or false"
    LIST = "comma separated list"
    CHOICE = "one of"
    URL = "URL"
    SENDER = "address of mail, with or without a name"
    OBJECTS = "JSON list of objects"


class InvalidSettingValue(Exception):
    """A text cannot be parsed as its setting's type. The message says what is expected and never contains the text."""


@dataclass(frozen=True)
class EnvironmentSetting:
    """One name of the environment.

    ``default`` is used when the environment does not have the name; ``None`` means no value. The documentation shows
    ``default_text`` instead of a default that is computed. A secret may also be read from a file, named by NAME_FILE.
    """

    name: str
    kind: SettingType
    default: Any
    meaning: str
    default_text: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    is_secret: bool = False

    def parse(self, text: str) -> Any:
        """Return the value of the environment's text.

        Raises: UnreadableValue.
        """
        return _PARSERS[self.kind](self, text.strip())


def _text(_setting: EnvironmentSetting, text: str) -> str:
    return text


def _number(setting: EnvironmentSetting, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        raise InvalidSettingValue("must be a whole number")
    value = int(text)
    if setting.minimum is not None and value < setting.minimum:
        raise InvalidSettingValue(f"must be at least {setting.minimum}")
    if setting.maximum is not None and value > setting.maximum:
        raise InvalidSettingValue(f"must be at most {setting.maximum}")
    return value


def _switch(_setting: EnvironmentSetting, text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise InvalidSettingValue("must be true or false")


def _list(_setting: EnvironmentSetting, text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _choice(setting: EnvironmentSetting, text: str) -> str:
    for choice in setting.choices:
        if text.lower() == choice.lower():
            return choice
    raise InvalidSettingValue(f"must be one of {', '.join(setting.choices)}")


def _url(_setting: EnvironmentSetting, text: str) -> str:
    if text and not re.match(r"[a-z][a-z0-9+.-]*:", text):
        raise InvalidSettingValue("must be a URL, beginning with its scheme")
    return text


def _sender(_setting: EnvironmentSetting, text: str) -> str:
    """Encode the domain by IDNA2008, as for recipients. Django would encode it by IDNA2003."""
    if text.isascii():
        return text
    name, address = parseaddr(text)
    encoded = ascii_email(address)
    if encoded is None:
        raise InvalidSettingValue("must be an address that mail servers take, such as Cedrina <no-reply@example.com>")
    return formataddr((name, encoded))


def _objects(_setting: EnvironmentSetting, text: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise InvalidSettingValue(f"must be a JSON list; what is given is no JSON ({type(error).__name__})") from error
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidSettingValue("must be a JSON list of objects")
    return value


_PARSERS: dict[SettingType, Callable[[EnvironmentSetting, str], Any]] = {
    SettingType.TEXT: _text,
    SettingType.NUMBER: _number,
    SettingType.SWITCH: _switch,
    SettingType.LIST: _list,
    SettingType.CHOICE: _choice,
    SettingType.URL: _url,
    SettingType.SENDER: _sender,
    SettingType.OBJECTS: _objects,
}
