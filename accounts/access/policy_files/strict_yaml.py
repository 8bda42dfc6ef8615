"""Read YAML 1.2 with the types of JSON only, and nothing that can surprise.

PyYAML's own loader reads ``17:00`` as 1020, ``no`` as false and takes the last of two equal keys; aliases let a small
file become gigabytes. Here, plain scalars have the types of the core schema (YAML 1.2.2, 10.3) in decimal notation;
aliases, anchors, tags and equal keys are refused, and depth and size are limited.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

MOST_BYTES = 16 * 1024 * 1024
MOST_DEPTH = 20
_LONGEST_NUMBER = 40
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# The parser of libyaml is ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlInvalid(Exception):
    """The text can't be read. ``reason`` is a word for it, ``line`` the line from 1 on, 0 if it has none."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"{reason} in line {line}")
        self.reason, self.line = reason, line


def read(data: bytes) -> Any:
    """Return the only document of a YAML text in UTF-8.

    Raises: YamlInvalid, with one of the reasons too_large, encoding, syntax, alias, tag, depth, key, duplicate.
    """
    if len(data) > MOST_BYTES:
        raise YamlInvalid("too_large")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlInvalid("encoding") from error
    events = yaml.parse(text, Loader=_LOADER)
    try:
        return _document(events)
    except yaml.MarkedYAMLError as error:
        raise YamlInvalid("syntax", error.problem_mark.line + 1 if error.problem_mark else 0) from error
    except yaml.YAMLError as error:  # such as a character that YAML forbids
        raise YamlInvalid("syntax") from error


def plain_value(text: str) -> Any:
    """Return what a scalar without quotes means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) <= _LONGEST_NUMBER:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _document(events: Iterator[Any]) -> Any:
    value = None
    has_begun = False
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if has_begun:
                raise YamlInvalid("syntax", _line(event))
            has_begun = True
            value = _node(next(events), events, 0)
    return value


def _node(event: Any, events: Iterator[Any], depth: int) -> Any:
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise YamlInvalid("alias", _line(event))
    if event.tag is not None:
        raise YamlInvalid("tag", _line(event))
    if depth > MOST_DEPTH:
        raise YamlInvalid("depth", _line(event))
    if isinstance(event, yaml.ScalarEvent):
        return event.value if event.style else plain_value(event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, depth)
    return _mapping(events, depth)


def _sequence(events: Iterator[Any], depth: int) -> list[Any]:
    found = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        found.append(_node(event, events, depth + 1))
    return found


def _mapping(events: Iterator[Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        # A key is a text as it is written: `on` and `1`, too.
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
            raise YamlInvalid("key", _line(event))
        if event.value in found:
            raise YamlInvalid("duplicate", _line(event))
        found[event.value] = _node(next(events), events, depth + 1)
    return found


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
