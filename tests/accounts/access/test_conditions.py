"""Conditions: what they say, what they say of a missing attribute, and which arguments they refuse."""

from datetime import UTC, datetime

import pytest

from accounts.access.deciding.conditions import build_check, register
from accounts.access.errors import RuleInvalid

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
KNOWN = {
    "subject": {"id": "1", "department": "north", "manager": {"of": "all"}},
    "resource": {"owner": "1", "editors": ["1", "2"], "amount": 5, "public": True, "nobody": None},
    "context": {"ip_address": "192.0.2.7", "factor_at": AT.timestamp() - 60, "risk": 30},
}


def check(name, attributes=KNOWN, **arguments):
    return build_check({"name": name, "arguments": arguments})(attributes, AT)


class TestACondition:
    @pytest.mark.parametrize(
        ("name", "arguments", "expected"),
        [
            ("same", {"left": "subject.id", "right": "resource.owner"}, True),
            ("same", {"left": "subject.department", "right": "resource.owner"}, False),
            ("equals", {"attribute": "subject.manager.of", "value": "all"}, True),
            ("equals", {"attribute": "resource.public", "value": True}, True),
            ("equals", {"attribute": "resource.public", "value": 1}, False),
            ("equals", {"attribute": "resource.amount", "value": "5"}, False),
            ("equals", {"attribute": "resource.nobody", "value": ""}, False),
            ("member", {"element": "subject.id", "list": "resource.editors"}, True),
            ("member", {"element": "subject.department", "list": "resource.editors"}, False),
            ("at_most", {"attribute": "resource.amount", "number": 5}, True),
            ("at_most", {"attribute": "resource.amount", "number": 4.5}, False),
            ("at_least", {"attribute": "resource.amount", "number": 5}, True),
            ("at_least", {"attribute": "resource.amount", "number": 6}, False),
            ("network", {"networks": ["198.51.100.0/24", "192.0.2.0/29"]}, True),
            ("network", {"networks": ["192.0.2.8/29", "2001:db8::/32"]}, False),
            ("factor_within", {"seconds": 60}, True),
            ("factor_within", {"seconds": 59}, False),
            ("risk_below", {"risk": 31}, True),
            ("risk_below", {"risk": 30}, False),
        ],
    )
    def test_compares(self, name, arguments, expected):
        assert check(name, **arguments) is expected

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("same", {"left": "subject.id", "right": "resource.unknown"}),
            ("equals", {"attribute": "subject.id.deeper", "value": 1}),
            ("equals", {"attribute": "action.kind", "value": 1}),
            ("member", {"element": "subject.unknown", "list": "resource.editors"}),
            ("member", {"element": "subject.id", "list": "resource.owner"}),  # a text is no list: "1" is in "12"
            ("member", {"element": "subject.id", "list": "subject.manager"}),
            ("at_most", {"attribute": "subject.id", "number": 5}),
            ("at_least", {"attribute": "resource.public", "number": 0}),
        ],
    )
    def test_knows_nothing_of_what_is_missing_or_of_another_type(self, name, arguments):
        assert check(name, **arguments) is None

    @pytest.mark.parametrize("address", ["", "nonsense", "192.0.2.7/24", None, ["192.0.2.7"]])
    def test_of_a_network_knows_nothing_of_a_bad_address(self, address):
        assert check("network", {"context": {"ip_address": address}}, networks=["192.0.2.0/24"]) is None

    def test_of_a_network_knows_an_ipv4_address_in_the_form_of_ipv6(self):
        assert check("network", {"context": {"ip_address": "::ffff:192.0.2.7"}}, networks=["192.0.2.0/24"])

    @pytest.mark.parametrize(
        "condition",
        [
            {},
            {"name": "unknown", "arguments": {}},
            {"name": ["same"], "arguments": {}},
            {"name": "same"},
            {"name": "same", "arguments": []},
            {"name": "same", "arguments": {"left": "subject.id"}},
            {"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner", "more": 1}},
            {"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}, "not": True},
            {"name": "same", "arguments": {"left": "subject.id", "right": "owner"}},
            {"name": "same", "arguments": {"left": "subject.id", "right": "request.owner"}},
            {"name": "same", "arguments": {"left": "subject.id", "right": "resource."}},
            {"name": "same", "arguments": {"left": "subject.id", "right": "resource" + ".a" * 9}},
            {"name": "same", "arguments": {"left": "subject.id", "right": 1}},
            {"name": "equals", "arguments": {"attribute": "subject.id", "value": [1]}},
            {"name": "at_most", "arguments": {"attribute": "resource.amount", "number": "5"}},
            {"name": "at_most", "arguments": {"attribute": "resource.amount", "number": True}},
            {"name": "network", "arguments": {"networks": ["192.0.2.7/24"]}},
            {"name": "network", "arguments": {"networks": 7}},
        ],
    )
    def test_of_another_form_is_refused(self, condition):
        with pytest.raises(RuleInvalid) as caught:
            build_check(condition)
        assert caught.value.member == "conditions"

    def test_has_a_name_of_its_own(self):
        with pytest.raises(ValueError, match="same"):
            register("same", "left", "right")(lambda _arguments: lambda _attributes, _at: True)
