"""The types of settings: how the text of an environment variable becomes a value.

A type's ``title`` is its name in docs/configuration.md. The message of an error follows the name of the setting and
never contains the text, which may be a secret.
"""

import base64
import binascii
import re
from email.utils import formataddr, parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

import environ
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Json
from pydantic_core import PydanticCustomError

from accounts.branding import contrast, logo
from accounts.identifiers.names import ascii_email
from security_events import relays

FIELD_KEY_BYTES = 32
MAX_APP_NAME = 60
SHORTEST_DAYS, MOST_DAYS = 7, 36_500  # of the retention of events


class Section(BaseModel):
    """A part of the settings, which is a section of docs/configuration.md.

    The docstring under a setting is its documentation. Fields with ``repr=False`` are secrets: they may also be read
    from a file, named by NAME_FILE. ``x-default`` describes a default that is computed. The validator is built once,
    for the class of all settings.
    """

    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True)


def _items(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return [item.strip() for item in environ.Env.parse_value(value, list) if item.strip()]


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise PydanticCustomError("network", "must be networks, such as 10.1.0.0/16, comma separated") from None
    return text


def _relay(text: str) -> str:
    try:
        return relays.canonical(text)
    except ValueError:
        raise PydanticCustomError(
            "relay", "must be networks and autonomous systems, such as 198.51.100.0/24,AS64500"
        ) from None


def _with_scheme(text: str) -> str:
    if not re.match(r"[a-z][a-z0-9+.-]*:", text):
        raise PydanticCustomError("url", "must be a URL, beginning with its scheme")
    return text


def _sender(text: str) -> str:
    """Encode the domain by IDNA2008, as for recipients. Django would encode it by IDNA2003."""
    if text.isascii():
        return text
    name, address = parseaddr(text)
    encoded = ascii_email(address)
    if encoded is None:
        raise PydanticCustomError(
            "sender", "must be an address that mail servers take, such as Cedrina <no-reply@example.com>"
        )
    return formataddr((name, encoded))


def _field_keys(value: Any) -> list[tuple[str, bytes]]:
    keys: list[tuple[str, bytes]] = []
    for text in _items(value):
        key_id, _, encoded = text.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not key_id.isalnum() or len(key) != FIELD_KEY_BYTES:
            raise PydanticCustomError(
                "field_keys", "must be `id:base64 of 32 bytes`, comma separated; an id is letters and digits"
            )
        keys.append((key_id, key))
    if len({key_id for key_id, _ in keys}) != len(keys):
        raise PydanticCustomError("field_keys", "names one id twice; give each key an id of its own")
    return keys


def _category_days(value: Any) -> dict[str, int | None]:
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]  # the default
    terms: dict[str, int | None] = {}
    for text in _items(value):
        category, _, days = text.partition("=")
        is_term = days == "ever" or (days.isascii() and days.isdigit() and SHORTEST_DAYS <= int(days) <= MOST_DAYS)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", category) or not is_term or category in terms:
            raise PydanticCustomError(
                "category_days",
                "must be `category=days`, comma separated, each category once; days are from 7 to 36500, or `ever`",
            )
        terms[category] = None if days == "ever" else int(days)
    return terms


def _app_name(text: str) -> str:
    """Return a name that mails, pages and authenticator applications can show.

    Its ``:`` would part the name from the account in authenticator applications; quotes and brackets part the name from
    the address of a mail's sender.
    """
    name = text.strip()
    if not 0 < len(name) <= MAX_APP_NAME or not name.isprintable() or set(name) & set(':"<>@\\/'):
        raise PydanticCustomError(
            "app_name", 'must be a name of at most 60 characters, without line breaks and : " < > @ / \\'
        )
    return name


def _support_address(text: str) -> str:
    address = ascii_email(text) if text else ""
    # Nothing that would end the address in a mailto: link (RFC 6068, 2).
    if address is None or (address and not re.fullmatch(r"[\w.+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", address)):
        raise PydanticCustomError("support_address", "must be an address of mail, such as help@example.com")
    return address


def _colour(text: str) -> str:
    if not contrast.is_colour(text):
        raise PydanticCustomError("colour", "must be a colour as #rrggbb, such as #1f6f5c")
    return text.lower()


def _folder(text: str) -> str:
    if text and not Path(text).is_dir():
        raise PydanticCustomError("folder", "must be the path of a folder that is there")
    return str(Path(text).absolute()) if text else text


def _logo(text: str) -> str:
    if not text:
        return text
    path = str(Path(text).absolute())
    try:
        logo.read(path)
    except logo.LogoUnusable as error:
        raise PydanticCustomError("logo", "{reason}", {"reason": str(error)}) from error
    return path


def _sinks(value: Any) -> list[str]:
    # Few installations have sinks, and each process reads the settings when it starts.
    from security_events.sinks.sink_urls import read_sinks  # noqa: PLC0415
    from security_events.sinks.url_options import SinkUrlFault  # noqa: PLC0415

    urls: list[str] = _items(value)
    try:
        read_sinks(urls)
    except SinkUrlFault as fault:
        raise PydanticCustomError("sinks", "{reason}", {"reason": str(fault)}) from None
    return urls


def _files(paths: list[str]) -> list[str]:
    for path in paths:
        if not Path(path).is_file():
            raise PydanticCustomError("file", "must name files that are there, not {path}", {"path": path})
    return [str(Path(path).absolute()) for path in paths]


LOWER = BeforeValidator(str.lower)
UPPER = BeforeValidator(str.upper)
SIGNING_ALGORITHM = BeforeValidator(lambda text: "EdDSA" if text.lower() == "eddsa" else text.upper())
MOST_SECONDS = 10**12  # more are no timedelta

Text = Annotated[str, Field(title="text")]
Number = Annotated[int, Field(title="whole number")]
Seconds = Annotated[int, Field(title="seconds", lt=MOST_SECONDS)]
Hours = Annotated[int, Field(title="hours")]
Days = Annotated[int, Field(title="days")]
CategoryDays = Annotated[
    dict[str, int | None], BeforeValidator(_category_days), Field(title="comma separated list of category=days")
]
Characters = Annotated[int, Field(title="characters")]
Switch = Annotated[bool, Field(title="true or false")]
Items = Annotated[list[str], BeforeValidator(_items), Field(title="comma separated list")]
FieldKeys = Annotated[list[tuple[str, bytes]], BeforeValidator(_field_keys), Field(title="comma separated list")]
Networks = Annotated[
    list[Annotated[str, AfterValidator(_network)]], BeforeValidator(_items), Field(title="comma separated list")
]
Relays = Annotated[
    list[Annotated[str, AfterValidator(_relay)]], BeforeValidator(_items), Field(title="comma separated list")
]
Ports = Annotated[
    list[Annotated[int, Field(ge=1, le=65535)]], BeforeValidator(_items), Field(title="comma separated list")
]
Files = Annotated[
    list[str], BeforeValidator(_items), AfterValidator(_files), Field(title="comma separated list of files")
]
Url = Annotated[str, AfterValidator(_with_scheme), Field(title="URL")]
Sender = Annotated[str, AfterValidator(_sender), Field(title="address of mail, with or without a name")]
AppName = Annotated[str, AfterValidator(_app_name), Field(title="text")]
SupportAddress = Annotated[str, AfterValidator(_support_address), Field(title="address of mail")]
Addresses = Annotated[
    list[Annotated[str, AfterValidator(_support_address)]],
    BeforeValidator(_items),
    Field(title="comma separated list of addresses of mail"),
]
Colour = Annotated[str, AfterValidator(_colour), Field(title="#rrggbb")]
Folder = Annotated[str, AfterValidator(_folder), Field(title="path of a folder")]
Sinks = Annotated[list[str], BeforeValidator(_sinks), Field(title="comma separated list of URLs")]
LogoFile = Annotated[str, AfterValidator(_logo), Field(title="path of a PNG file")]
Objects = Annotated[Json[list[dict[str, Any]]], Field(title="JSON list of objects")]
