"""What one setting is: its name, type, default, meaning, and how its text becomes a value."""

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


class Kind(StrEnum):
    """The types that the documentation names."""

    TEXT = "text"
    NUMBER = "whole number"
    SWITCH = "true or false"
    LIST = "comma separated list"
    CHOICE = "one of"
    URL = "URL"
    SENDER = "address of mail, with or without a name"
    OBJECTS = "JSON list of objects"


class UnreadableValue(Exception):
    """A text that is no value of its setting's type; the message says what is wanted."""


@dataclass(frozen=True)
class Setting:
    """One name of the environment.

    ``default`` is used where nothing is set; ``None`` means that there is no value. ``default_text`` says in words what
    the documentation shows instead of a computed default. Secrets may also be given as a file, named by ``…_FILE``.
    """

    name: str
    kind: Kind
    default: Any
    meaning: str
    default_text: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    is_secret: bool = False

    def parse(self, text: str) -> Any:
        """Turn the environment's text into a value.

        Raises: UnreadableValue.
        """
        return _PARSERS[self.kind](self, text.strip())


def _text(_setting: Setting, text: str) -> str:
    return text


def _number(setting: Setting, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        raise UnreadableValue("must be a whole number")
    value = int(text)
    if setting.minimum is not None and value < setting.minimum:
        raise UnreadableValue(f"must be at least {setting.minimum}")
    if setting.maximum is not None and value > setting.maximum:
        raise UnreadableValue(f"must be at most {setting.maximum}")
    return value


def _switch(_setting: Setting, text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise UnreadableValue("must be true or false")


def _list(_setting: Setting, text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _choice(setting: Setting, text: str) -> str:
    for choice in setting.choices:
        if text.lower() == choice.lower():
            return choice
    raise UnreadableValue(f"must be one of {', '.join(setting.choices)}")


def _url(_setting: Setting, text: str) -> str:
    if text and not re.match(r"[a-z][a-z0-9+.-]*:", text):
        raise UnreadableValue("must be a URL, beginning with its scheme")
    return text


def _sender(_setting: Setting, text: str) -> str:
    """Encode the domain by IDNA2008, as those of recipients are, before Django does so by IDNA2003."""
    if text.isascii():
        return text
    name, address = parseaddr(text)
    encoded = ascii_email(address)
    if encoded is None:
        raise UnreadableValue("must be an address that mail servers take, such as Cedrina <no-reply@example.com>")
    return formataddr((name, encoded))


def _objects(_setting: Setting, text: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise UnreadableValue(f"must be a JSON list; what is given is no JSON ({type(error).__name__})") from error
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnreadableValue("must be a JSON list of objects")
    return value


_PARSERS: dict[Kind, Callable[[Setting, str], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.SWITCH: _switch,
    Kind.LIST: _list,
    Kind.CHOICE: _choice,
    Kind.URL: _url,
    Kind.SENDER: _sender,
    Kind.OBJECTS: _objects,
}
