"""The options of a sink: what stands behind the ``?`` of its URL."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from security_events.sinks.sink_targets import Content
from security_events.sinks.syslog_messages import DEFAULT_SD_ID, FACILITIES

FILE_OPTIONS = ("content", "format", "from")
SYSLOG_OPTIONS = (*FILE_OPTIONS, "facility", "hostname", "app", "sd_id", "max_bytes", "bom", "confirm")
TLS_OPTIONS = ("ca", "cert", "key")
OPTIONS = SYSLOG_OPTIONS + TLS_OPTIONS


class SinkUrlFault(ValueError):
    """A URL is no sink. The message says what is wrong with it and holds no part of it but names of options."""


class UrlOptions:
    """The options of a URL. Each method raises SinkUrlFault for a value that can't be."""

    def __init__(self, query: str, known: Iterable[str]) -> None:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=20)
        except ValueError:
            raise SinkUrlFault("its options are name=value, joined by &") from None
        self._values: Mapping[str, str] = dict(pairs)
        if unknown := sorted(set(self._values) - set(known)):
            raise SinkUrlFault(f"it has no option {unknown[0][:30]}; there are {', '.join(known)}")
        if len(self._values) != len(pairs):
            raise SinkUrlFault("it has an option twice")

    def text(self, name: str) -> str:
        return self._values.get(name, "")

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        value = self._values.get(name, values[0])
        if value not in values:
            raise SinkUrlFault(f"the option {name} is one of {', '.join(values)}")
        return value

    def chosen(self, name: str, values: type[Content], default: Content) -> Content:
        others = [each.value for each in values if each is not default]
        return values(self.one_of(name, (default.value, *others)))

    def name(self, name: str, most: int) -> str:
        return self._matched(name, most, lambda character: "!" <= character <= "~")

    def sd_id(self) -> str:
        """Return the name of the structured data (RFC 5424, 6.3.2): a name at an enterprise number."""
        value = self._matched("sd_id", 32, lambda character: "!" <= character <= "~" and character not in '=]"')
        return value or DEFAULT_SD_ID

    def number(self, name: str, least: int, most: int) -> int:
        value = self._values.get(name)
        if value is None:
            return 0
        if not value.isdecimal() or not value.isascii() or not least <= int(value[:20]) <= most:
            raise SinkUrlFault(f"the option {name} is a number from {least} to {most}")
        return int(value)

    def facility(self) -> int:
        value = self._values.get("facility", "authpriv")
        if value not in FACILITIES:
            raise SinkUrlFault(f"the option facility is one of {', '.join(FACILITIES)}")
        return FACILITIES[value]

    def _matched(self, name: str, most: int, is_allowed: Callable[[str], Any]) -> str:
        value = self._values.get(name, "")
        if len(value) > most or not all(map(is_allowed, value)):
            raise SinkUrlFault(f"the option {name} has at most {most} characters, of printable ASCII without spaces")
        return value
