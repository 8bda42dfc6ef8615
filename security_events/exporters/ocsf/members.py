"""The members that each OCSF class demands beyond those of all events."""

from security_events.exporters.ocsf import objects
from security_events.exporters.ocsf.objects import Form, Members, present

_NEW = {"status_id": 1, "status": "New"}  # a finding has the state of its treatment where others have the outcome
_POLICY = (5, "Policy")
_OTHER = 99
_ENTITIES = {"ratelimit": _POLICY, "policy": _POLICY}
_DENIED = {"action_id": 2, "action": "Denied", "disposition_id": 25, "disposition": "Rejected"}


def of_base_event(form: Form) -> Members:
    return {}


def of_event_log_activity(form: Form) -> Members:
    return {"log_name": "audit trail", **_caller(form, is_http=False)}


def of_compliance_finding(form: Form) -> Members:
    check = {"control": form["type"], "status_id": 3, "status": "Fail"}
    return {"finding_info": objects.finding(form), "compliance": check, "evidences": objects.evidences(form), **_NEW}


def of_detection_finding(form: Form) -> Members:
    found = {"finding_info": objects.finding(form), "evidences": objects.evidences(form), "is_alert": True}
    return {**found, **_NEW}


def of_incident_finding(form: Form) -> Members:
    # A group or a person must be named, and a new incident has no person yet.
    group = {"name": str(form["data"].get("assignee_group") or "unassigned")}
    return {"finding_info_list": [objects.finding(form)], "assignee_group": group, **_NEW}


def of_account_change(form: Form) -> Members:
    return {"user": objects.affected_user(form), "auth_factors": objects.factors(form), **_caller(form)}


def of_authentication(form: Form) -> Members:
    amr = form["data"].get("amr")
    return {
        "user": objects.affected_user(form),
        "service": {"name": "sign-in"},
        "session": present({"uid": form["session_id"]}),
        "auth_factors": objects.factors(form),
        "is_mfa": objects.MULTIPLE_FACTORS in amr if isinstance(amr, list) else None,
        **_caller(form),
    }


def of_authorize_session(form: Form) -> Members:
    session = present({"uid": form["session_id"]})
    # Exactly one of privileges and group is allowed.
    return {"user": objects.affected_user(form), "privileges": objects.privileges(form), "session": session} | _caller(
        form
    )


def of_entity_management(form: Form) -> Members:
    noun = form["type"].partition(".")[0]
    type_id, caption = _ENTITIES.get(noun, (_OTHER, noun))
    name = form["target_name"] or form["data"].get("policy") or noun
    entity = {"uid": form["target_id"], "name": str(name), "type_id": type_id, "type": caption}
    return {"entity": present(entity), **_caller(form)}


def of_user_access(form: Form) -> Members:
    return {"user": objects.affected_user(form), "privileges": objects.privileges(form), **_caller(form)}


def of_group_management(form: Form) -> Members:
    named = form["data"].get("role") or form["data"].get("group") or form["target_name"] or "unknown"
    return {"group": {"name": str(named)}, "user": objects.affected_user(form), **_caller(form)}


def of_http_activity(form: Form) -> Members:
    policy = form["data"].get("policy")
    denied = {**_DENIED, "firewall_rule": present({"name": str(policy or "")})} if form["outcome"] == "failure" else {}
    # The request must be there, even where nothing is known of it. An actor would need the profile of a host.
    found = objects.request(form) or {"user_agent": "unknown"}
    return {"src_endpoint": objects.source(form), "http_request": found, **denied}


def of_application_lifecycle(form: Form) -> Members:
    return {"app": {"name": form["type"].partition(".")[0]}}


def of_api_activity(form: Form) -> Members:
    named = form["data"].get("operation") or next(iter(form["risk_reasons"]), None) or form["type"]
    caller = _caller(form)
    return {
        **caller,
        "actor": caller["actor"] or {"app_name": "unknown"},
        "src_endpoint": caller["src_endpoint"] or {"name": "unknown"},
        "api": {"operation": str(named)},
    }


def _caller(form: Form, *, is_http: bool = True) -> Members:
    caller = {"actor": objects.actor(form), "src_endpoint": objects.source(form)}
    return {**caller, "http_request": objects.request(form)} if is_http else caller
