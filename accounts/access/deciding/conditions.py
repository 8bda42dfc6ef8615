"""Conditions of rules: named functions with typed arguments. A project can register further ones.

A condition answers with true or false, or with ``None`` when an attribute that it needs is missing or of the wrong
type. A rule that allows does not match then, and a rule that denies does.
"""

import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext as _

from accounts.access.deciding.attributes import MISSING, Attributes, Reader, is_name, reader
from accounts.access.errors import RuleInvalid

Check = Callable[[Attributes, datetime], bool | None]
"""A condition whose arguments are given: what is known about the request, and the instant it is decided for."""

Build = Callable[[Mapping[str, Any]], Check]
"""Returns the check of given arguments. Raises: RuleInvalid."""


@dataclass(frozen=True, slots=True, eq=False)
class ConditionType:
    """A condition that rules can use. ``parameters`` are the names of its arguments, all of them required.

    ``reads`` are the names of attributes that it reads beside those that its arguments name.
    """

    name: str
    parameters: frozenset[str]
    build: Build
    reads: frozenset[str] = frozenset()


_registered: dict[str, ConditionType] = {}

CONDITION_TYPES: Mapping[str, ConditionType] = MappingProxyType(_registered)


def register(name: str, *parameters: str, reads: Collection[str] = ()) -> Callable[[Build], Build]:
    """Declare a condition by the function that builds its check.

    ``reads`` are the names of attributes that it reads beside those that its arguments name: a decision can be
    evaluated again only if all that was read is recorded.

    Raises: ValueError, if there is another one of the name.
    """

    def declare(build: Build) -> Build:
        if name in _registered:
            raise ValueError(f"The condition {name!r} is declared already.")
        _registered[name] = ConditionType(name, frozenset(parameters), build, frozenset(reads))
        return build

    return declare


def build_check(condition: Mapping[str, Any]) -> Check:
    """Return the check of a condition as rules store it: ``{"name": …, "arguments": {…}}``.

    Raises: RuleInvalid.
    """
    name, arguments = condition.get("name"), condition.get("arguments", {})
    found = CONDITION_TYPES.get(name) if isinstance(name, str) else None
    if found is None or set(condition) - {"name", "arguments"}:
        names = ", ".join(sorted(CONDITION_TYPES))
        raise RuleInvalid("conditions", _("A condition has a name and arguments. The names are: %s.") % names)
    if not isinstance(arguments, Mapping) or set(arguments) != found.parameters:
        names = ", ".join(sorted(found.parameters))
        raise RuleInvalid(
            "conditions",
            _("The condition %(name)s has these arguments: %(names)s.")
            % {
                "name": found.name,
                "names": names,
            },
        )
    return found.build(arguments)


def attributes_read(condition: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the attributes that a valid condition may read."""
    named = {each for each in condition.get("arguments", {}).values() if isinstance(each, str) and is_name(each)}
    return CONDITION_TYPES[condition["name"]].reads | named


@register("same", "left", "right")
def _same(arguments: Mapping[str, Any]) -> Check:
    """Check that two attributes are equal, as with ``subject.id`` and ``resource.owner``."""
    left, right = _attribute(arguments["left"]), _attribute(arguments["right"])
    return lambda attributes, _at: _equal(left(attributes), right(attributes))


@register("equals", "attribute", "value")
def _equals(arguments: Mapping[str, Any]) -> Check:
    """Check that an attribute has a constant value: a text, a number, true or false."""
    read, value = _attribute(arguments["attribute"]), arguments["value"]
    if not isinstance(value, str | int | float | bool):
        raise RuleInvalid("conditions", _("The value is a text, a number, true or false."))
    return lambda attributes, _at: _equal(read(attributes), value)


@register("member", "element", "list")
def _member(arguments: Mapping[str, Any]) -> Check:
    """Check that an attribute is an element of a list, as with ``subject.id`` and ``resource.editors``."""
    element, listed = _attribute(arguments["element"]), _attribute(arguments["list"])

    def check(attributes: Attributes, _at: datetime) -> bool | None:
        value, values = element(attributes), listed(attributes)
        if value is MISSING or isinstance(values, str | Mapping) or not isinstance(values, Collection):
            return None
        return any(_equal(value, each) for each in values)

    return check


@register("at_most", "attribute", "number")
def _at_most(arguments: Mapping[str, Any]) -> Check:
    """Check that a number is not larger than a constant."""
    read, most = _attribute(arguments["attribute"]), _number(arguments["number"])
    return lambda attributes, _at: _compared(read(attributes), lambda value: value <= most)


@register("at_least", "attribute", "number")
def _at_least(arguments: Mapping[str, Any]) -> Check:
    """Check that a number is not smaller than a constant."""
    read, least = _attribute(arguments["attribute"]), _number(arguments["number"])
    return lambda attributes, _at: _compared(read(attributes), lambda value: value >= least)


@register("network", "networks", reads=("context.ip_address",))
def _network(arguments: Mapping[str, Any]) -> Check:
    """Check that ``context.ip_address`` is in one of some networks, such as ``192.0.2.0/24``."""
    try:
        networks = [ipaddress.ip_network(each) for each in arguments["networks"]]
    except (ValueError, TypeError) as error:
        raise RuleInvalid("conditions", _("networks is a list of networks such as 192.0.2.0/24.")) from error

    def check(attributes: Attributes, _at: datetime) -> bool | None:
        try:
            address = ipaddress.ip_address(_IP_ADDRESS(attributes))
        except ValueError:  # also for what is no text
            return None
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in networks)

    return check


@register("factor_within", "seconds", reads=("context.factor_at",))
def _factor_within(arguments: Mapping[str, Any]) -> Check:
    """Check that the second factor was shown lately: ``context.factor_at``, in seconds since 1970."""
    seconds = _number(arguments["seconds"])
    return lambda attributes, at: _compared(_FACTOR_AT(attributes), lambda shown: at.timestamp() - shown <= seconds)


@register("risk_below", "risk", reads=("context.risk",))
def _risk_below(arguments: Mapping[str, Any]) -> Check:
    """Check that the risk of the sign-in, ``context.risk`` from 0 to 100, is below a number."""
    risk = _number(arguments["risk"])
    return lambda attributes, _at: _compared(_RISK(attributes), lambda value: value < risk)


def _attribute(name: Any) -> Reader:
    return reader(name if isinstance(name, str) else "", member="conditions")


_IP_ADDRESS = _attribute("context.ip_address")
_FACTOR_AT = _attribute("context.factor_at")
_RISK = _attribute("context.risk")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleInvalid("conditions", _("This argument is a number."))
    return value


def _compared(value: Any, compare: Callable[[float], bool]) -> bool | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else compare(value)


def _equal(left: Any, right: Any) -> bool | None:
    """Compare without conversions: 1 and true, or 1 and "1", are different."""
    if left is MISSING or right is MISSING:
        return None
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)
