"""ECS: each field is one of its list, with the type of the list, and each value of an enumerated field is allowed."""

import hashlib
import json
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from security_events.catalogue import CATALOGUE
from security_events.event_form import canonical_bytes
from security_events.exporters.ecs import ecs_document
from tests.security_events.exporters.forms import PRODUCT, each_form, every_type, full_form

HERE = Path(__file__).parent
FIELDS = {
    name: (kind, bool(array))
    for name, kind, *array in (
        line.split("\t") for line in (HERE / "ecs-9.4.0.tsv").read_text(encoding="utf-8").splitlines()
    )
}
VALUES = json.loads((HERE / "ecs-9.4.0-values.json").read_text(encoding="utf-8"))
OWN = "cedrina."
KINDS = {
    "keyword": str,
    "match_only_text": str,
    "wildcard": str,
    "long": int,
    "float": (int, float),
}


def fields(document, path=""):
    for name, value in document.items():
        full = f"{path}{name}"
        if isinstance(value, dict) and not full.startswith(OWN):
            yield from fields(value, f"{full}.")
        else:
            yield full, value


def fits(value, kind):
    if kind == "ip":
        return bool(ip_address(value))
    if kind == "date":
        return bool(datetime.fromisoformat(value))
    return isinstance(value, KINDS[kind]) and not isinstance(value, bool)


@each_form
@every_type
def test_each_field_is_one_of_the_schema(event_type, form_of):
    document = ecs_document(form_of(event_type), PRODUCT)

    for name, value in fields(document):
        if name.startswith(OWN):
            continue
        kind, is_array = FIELDS[name]
        assert isinstance(value, list) is is_array, name
        assert all(fits(each, kind) for each in (value if is_array else [value])), name


@each_form
@every_type
def test_each_event_is_classified_as_the_schema_allows(event_type, form_of):
    event = ecs_document(form_of(event_type), PRODUCT)["event"]

    assert event["kind"] in VALUES["event.kind"]
    assert event["outcome"] in VALUES["event.outcome"]
    assert event["category"]
    expected = {kind for category in event["category"] for kind in VALUES["event.category"][category]}
    assert set(event["type"]) <= expected


def test_the_doer_is_the_user_and_the_other_one_the_target():
    user = ecs_document(full_form(CATALOGUE["account.deactivated"]), PRODUCT)["user"]

    assert user["id"] == "actor-1"
    assert user["target"] == {"id": "target-1", "name": "t***@example.org"}


def test_the_hash_is_that_of_the_leaf_in_the_trail():
    form = full_form(CATALOGUE["session.created"])

    leaf = hashlib.sha256(b"\0" + canonical_bytes(form)).hexdigest()
    assert ecs_document(form, PRODUCT)["event"]["hash"] == leaf


def test_an_attack_is_an_alert_with_its_rule():
    document = ecs_document(full_form(CATALOGUE["token.reuse_detected"]), PRODUCT)

    assert document["event"]["kind"] == "alert"
    assert document["rule"] == {"id": "token.reuse_detected", "name": "token reuse detected"}
