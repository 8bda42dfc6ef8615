"""Events in the Elastic Common Schema 9.4. What it has no field for stands below ``cedrina``."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from security_events.catalogue import CATALOGUE
from security_events.event_form import canonical_bytes
from security_events.exporters.product import VENDOR, Product, title_of
from security_events.verifier import leaf_hash

VERSION = "9.4.0"
_SEVERITIES = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}


class Classification(NamedTuple):
    """Where an event belongs: the values of ``event.kind``, ``event.category`` and ``event.type``."""

    categories: Sequence[str]
    types: Sequence[str]
    kind: str = "event"


# By OCSF class, and by its activity where that matters: one table of each event type's meaning, not two.
_CLASSES: Mapping[int, Classification] = {
    1008: Classification(["configuration"], ["change"]),
    2003: Classification(["configuration"], ["info"]),
    2004: Classification(["intrusion_detection"], ["info"], "alert"),
    2005: Classification(["intrusion_detection"], ["info"], "alert"),
    3001: Classification(["iam"], ["user", "info"]),
    3002: Classification(["authentication"], ["info"]),
    3003: Classification(["iam"], ["user", "info"]),
    3004: Classification(["configuration"], ["change"]),
    3005: Classification(["iam"], ["user", "change"]),
    3006: Classification(["iam"], ["group", "change"]),
    4002: Classification(["network"], ["denied"]),
    6002: Classification(["configuration"], ["change"]),
    6003: Classification(["api"], ["access"]),
}
_CHANGED = Classification(["iam"], ["user", "change"])
_ACTIVITIES: Mapping[int, Classification] = {
    100802: Classification(["configuration"], ["deletion"]),
    100803: Classification(["configuration"], ["access"]),
    300101: Classification(["iam"], ["user", "creation"]),
    300106: Classification(["iam"], ["user", "deletion"]),
    **dict.fromkeys((300102, 300103, 300104, 300105, 300109, 300110, 300111, 300112), _CHANGED),
    300201: Classification(["authentication"], ["start"]),
    300202: Classification(["session"], ["end"]),
    300203: Classification(["session"], ["start"]),
    300205: Classification(["session"], ["info"]),
    300401: Classification(["configuration"], ["creation"]),
    300402: Classification(["configuration"], ["access"]),
    300404: Classification(["configuration"], ["deletion"]),
    300605: Classification(["iam"], ["group", "deletion"]),
    300606: Classification(["iam"], ["group", "creation"]),
    600301: Classification(["api"], ["creation"]),
    600303: Classification(["api"], ["change"]),
    600304: Classification(["api"], ["deletion"]),
}
_UNCLASSIFIED = Classification([], ["info"])


def ecs_document(form: Mapping[str, Any], product: Product) -> dict[str, Any]:
    """Return an event as a document for an index. ``event.hash`` is its leaf hash in the sealed trail."""
    found = classification(form["type"])
    reasons = ", ".join(map(str, form["risk_reasons"]))
    document = {
        "@timestamp": form["occurred_at"],
        "ecs": {"version": VERSION},
        "message": title_of(form["type"]),
        "event": {
            "kind": found.kind,
            "category": list(found.categories),
            "type": [*found.types, *(["denied"] if _is_denied(found, form) else [])],
            "id": form["id"],
            "action": form["type"],
            "outcome": form["outcome"],
            "severity": _SEVERITIES.get(form["severity"]),
            "risk_score": form["risk_score"],
            "reason": reasons,
            "module": "cedrina",
            "dataset": "cedrina.events",
            "hash": leaf_hash(canonical_bytes(form)).hex(),
        },
        "user": {
            **_person(form["actor_id"], form["actor_name"]),
            "hash": form["actor_pseudonym"],
            "target": _person(form["target_id"], form["target_name"]),
        },
        "source": {"ip": form["ip_address"], "address": form["ip_address"]},
        "user_agent": {"original": form["user_agent"]},
        "http": {"request": {"id": form["correlation_id"]}},
        "observer": {"vendor": VENDOR, "product": product.name, "version": product.version},
        "related": {
            "user": _distinct(form, "actor_id", "actor_name", "target_id", "target_name"),
            "ip": _distinct(form, "ip_address"),
        },
        "cedrina": {
            **{
                name: form[name] for name in ("category", "severity", "session_id", "family_id", "risk_reasons", "data")
            },
            "is_address_truncated": product.has_truncated_addresses and form["ip_address"] is not None,
        },
    }
    if found.kind == "alert":
        document["rule"] = {"id": form["type"], "name": title_of(form["type"])}
    present: dict[str, Any] = _without_empty(document)
    return present


def classification(event_type: str) -> Classification:
    """Return the kind, categories and types of a declared event type; of another one, that it is information."""
    declared = CATALOGUE.get(event_type)
    uid = (declared.ocsf_type_uid if declared else None) or 0
    return _ACTIVITIES.get(uid) or _CLASSES.get(uid // 100, _UNCLASSIFIED)


def _is_denied(found: Classification, form: Mapping[str, Any]) -> bool:
    """Return whether a call of the API was refused: such a type is allowed beside others in this category only."""
    return "api" in found.categories and form["outcome"] == "failure"


def _person(identity: str | None, name: str | None) -> dict[str, Any]:
    return {"id": identity, "name": name}


def _distinct(form: Mapping[str, Any], *names: str) -> list[str]:
    return list(dict.fromkeys(form[name] for name in names if form[name]))


def _without_empty(value: Any) -> Any:
    """Return a document without empty fields: an index has a field only where it holds something."""
    if not isinstance(value, dict):
        return value
    kept = {name: _without_empty(item) for name, item in value.items()}
    return {name: item for name, item in kept.items() if item not in (None, "", [], {})}
