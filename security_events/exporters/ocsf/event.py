"""Events in the Open Cybersecurity Schema Framework: https://schema.ocsf.io."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from security_events.catalogue import CATALOGUE
from security_events.exporters.ocsf.objects import Form, Members, present
from security_events.exporters.ocsf.schema import OCSF_1_8, OTHER, OcsfClass, Schema, category_of
from security_events.exporters.product import VENDOR, Product, title_of

_SEVERITIES = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_OUTCOMES = {"success": (1, "Success"), "failure": (2, "Failure")}
# Members of the form that no class has a place for. A class names further ones.
_KEPT = ("type", "category", "outcome", "actor_pseudonym", "family_id", "risk_reasons", "data")


def ocsf_event(form: Mapping[str, Any], product: Product, schema: Schema = OCSF_1_8) -> dict[str, Any]:
    """Return an event as OCSF has it. A type that the tables do not describe becomes a Base Event (class 0)."""
    uid = _type_uid(form["type"], schema)
    class_uid, activity_id = divmod(uid, 100)
    found = schema.classes[class_uid]
    category_uid, category = category_of(class_uid)
    # An activity that OCSF does not list has the name of the source (the attribute ``activity_id``, value 99).
    activity = found.activities.get(activity_id, "Other")
    profiles = {name: value for members in schema.profiles.values() for name, value in members(form).items()}
    event = {
        "class_uid": class_uid,
        "class_name": found.caption,
        "category_uid": category_uid,
        "category_name": category,
        "activity_id": activity_id,
        "activity_name": form["type"] if activity_id == OTHER else activity,
        "type_uid": uid,
        "type_name": f"{found.caption}: {activity}",
        "time": int(datetime.fromisoformat(form["occurred_at"]).timestamp() * 1000),
        "message": title_of(form["type"]),
        "status_detail": ", ".join(map(str, form["risk_reasons"])),
        **_captioned("severity", *_SEVERITIES.get(form["severity"], (OTHER, form["severity"]))),
        **_captioned("status", *_OUTCOMES.get(form["outcome"], (OTHER, form["outcome"]))),
        **profiles,
        **found.members(form),
        "metadata": _metadata(form, product, schema),
        "unmapped": _unmapped(form, product, found),
    }
    return present(event)


def _type_uid(event_type: str, schema: Schema) -> int:
    declared = CATALOGUE.get(event_type)
    uid = declared.ocsf_type_uid if declared else None
    if uid is None or not schema.describes(uid):
        return OTHER
    return schema.replaced.get(uid, int(uid))


def _captioned(name: str, number: int, caption: str) -> Members:
    return {f"{name}_id": number, name: caption}


def _metadata(form: Form, product: Product, schema: Schema) -> Members:
    return present(
        {
            "version": schema.version,
            "profiles": list(schema.profiles),
            "product": present({"name": product.name, "vendor_name": VENDOR, "version": product.version}),
            "uid": form["id"],
            "event_code": form["type"],
            "correlation_uid": form["correlation_id"],
            "original_time": form["occurred_at"],  # with microseconds
            "log_name": "security events",
        }
    )


def _unmapped(form: Form, product: Product, of_class: OcsfClass) -> Members:
    kept = present({name: form[name] for name in (*_KEPT, *of_class.unplaced)})
    if product.has_truncated_addresses and form["ip_address"] is not None:
        kept["is_address_truncated"] = True
    return kept
