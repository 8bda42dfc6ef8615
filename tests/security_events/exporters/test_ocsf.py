"""OCSF: the judgement of two other implementations, and of our own rules where both are blind."""

import json
from datetime import datetime
from functools import cache

import pytest
from ocsf.v1_7_0 import events as models
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from security_events.catalogue import CATALOGUE
from security_events.exporters.formats import ExportFormat, line_of
from security_events.exporters.ocsf.event import ocsf_event
from security_events.exporters.ocsf.members import of_account_change
from security_events.exporters.ocsf.schema import OCSF_1_8, OTHER, OcsfClass, Schema
from tests.security_events.exporters.forms import PRODUCT, each_form, every_type, full_form

# The names of classes as the second judge spells them, where they are not the captions.
MODELS = {
    "HTTP Activity": "HttpActivity",
    "API Activity": "ApiActivity",
    "User Access Management": "UserAccess",
    "Event Log Activity": "EventLogActvity",
}


@cache
def whole_schema():
    return get_ocsf_schema("1.8.0")


@cache
def validator(class_uid, profiles):
    import jsonschema  # here, since it takes a second of CPU to import, in each worker

    schema = OcsfJsonSchemaEmbedded(whole_schema())
    found = schema.get_class_schema(schema.lookup_class_name_from_uid(class_uid), profiles=list(profiles))
    return jsonschema.Draft202012Validator(found)


def faults_of_the_first_judge(event):
    faults = validator(event["class_uid"], tuple(event["metadata"]["profiles"])).iter_errors(event)
    return [f"{fault.json_path}: {fault.message}" for fault in faults]


def model_of(event):
    """Return the model of the second judge, which knows version 1.7: the classes are the same there.

    It takes the enumeration of texts in ``http_method`` for one of numbers, so that member is left to the first judge.
    """
    name = MODELS.get(event["class_name"], event["class_name"].replace(" ", ""))
    for holder in everywhere(event):
        holder.pop("http_method", None)
    return getattr(models, name).model_validate({**event, "metadata": {**event["metadata"], "version": "1.7.0"}})


def captions(class_uid, attribute):
    found = next(each for each in whole_schema()["classes"].values() if each["uid"] == class_uid)
    return {int(number): each["caption"] for number, each in found["attributes"][attribute]["enum"].items()}


def exported(form):
    return json.loads(line_of(form, ExportFormat.OCSF, PRODUCT))


@each_form
@every_type
def test_both_judges_accept_each_type(event_type, form_of):
    event = exported(form_of(event_type))

    assert faults_of_the_first_judge(event) == []
    assert model_of(event).class_uid == event["class_uid"]


@each_form
@every_type
def test_what_the_judges_do_not_see_is_right(event_type, form_of):
    form = form_of(event_type)
    event = exported(form)

    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"] == event_type.ocsf_type_uid
    assert event["category_uid"] == event["class_uid"] // 1000
    assert event["time"] == round(datetime.fromisoformat(form["occurred_at"]).timestamp() * 1000 - 0.5)
    assert event["metadata"]["profiles"] == ["security_control"]
    assert event["severity"] == captions(event["class_uid"], "severity_id")[event["severity_id"]]
    assert event["status"] == captions(event["class_uid"], "status_id")[event["status_id"]]
    if event["activity_id"] == OTHER:
        assert event["activity_name"] == event_type.id
    else:
        assert event["activity_name"] == captions(event["class_uid"], "activity_id")[event["activity_id"]]
    for holder in everywhere(event):
        for name in holder:
            if name.endswith("_id") and holder[name] == OTHER and name != "activity_id":
                assert holder[name.removesuffix("_id")], name  # 99 needs the words of the source


def everywhere(value):
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everywhere(inner)


@pytest.mark.parametrize("class_uid", OCSF_1_8.classes)
def test_each_row_of_the_table_has_the_captions_of_the_schema(class_uid):
    row = OCSF_1_8.classes[class_uid]
    found = next(each for each in whole_schema()["classes"].values() if each["uid"] == class_uid)

    assert row.caption == found["caption"]
    assert {0: "Unknown", 99: "Other", **row.activities} == captions(class_uid, "activity_id")


@pytest.mark.parametrize("type_uid", sorted({uid * 100 + 99 for uid in OCSF_1_8.classes} - {99}))
def test_classes_that_no_type_of_ours_has_are_accepted_too(type_uid, declared_as):
    event = exported(full_form(declared_as(type_uid)))

    assert event["type_uid"] == type_uid
    assert faults_of_the_first_judge(event) == []
    assert model_of(event).class_uid == type_uid // 100


@pytest.mark.parametrize("type_uid", [None, 999901, 300250])
def test_a_type_without_a_place_becomes_a_base_event(type_uid, declared_as):
    event = exported(full_form(declared_as(type_uid)))

    assert (event["class_uid"], event["type_uid"], event["activity_name"]) == (0, 99, "shop.order_paid")
    assert faults_of_the_first_judge(event) == []


def test_a_truncated_address_is_an_address_and_says_so():
    form = full_form(CATALOGUE["session.created"], ip_address="203.0.113.0")
    event = ocsf_event(form, PRODUCT._replace(has_truncated_addresses=True))

    assert event["src_endpoint"] == {"ip": "203.0.113.0"}
    assert event["unmapped"]["is_address_truncated"] is True
    assert faults_of_the_first_judge(event) == []


def test_factors_are_those_of_the_sign_in():
    event = exported(full_form(CATALOGUE["authentication.login_succeeded"]))

    assert event["is_mfa"] is True
    assert [factor["factor_type"] for factor in event["auth_factors"]] == ["Password", "OTP"]


def test_a_further_version_is_a_change_of_the_tables():
    def record_integrity(form):
        return {"attestation_list": [{"uid": form["id"]}]}

    management = OcsfClass("User Management", {2: "Update"}, of_account_change)
    newer = Schema(
        "1.9.0",
        {**OCSF_1_8.classes, 3007: management},
        {**OCSF_1_8.profiles, "record_integrity": record_integrity},
        replaced={300103: 300702},
    )

    event = ocsf_event(full_form(CATALOGUE["password.changed"]), PRODUCT, newer)

    assert (event["type_uid"], event["type_name"]) == (300702, "User Management: Update")
    assert event["metadata"]["version"] == "1.9.0"
    assert event["metadata"]["profiles"] == ["security_control", "record_integrity"]
    assert event["attestation_list"] == [{"uid": event["metadata"]["uid"]}]
