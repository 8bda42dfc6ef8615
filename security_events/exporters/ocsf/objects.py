"""The objects of OCSF 1.8 that several classes hold, made from the public form of an event."""

from collections.abc import Mapping, Sequence
from typing import Any

from security_events.exporters.product import title_of

Form = Mapping[str, Any]
Members = dict[str, Any]

# auth_factor.factor_type_id by the values of RFC 8176, and by the names of Cedrina's factors.
_FACTORS = {
    "pwd": (11, "Password"),
    "password": (11, "Password"),
    "otp": (7, "OTP"),
    "totp": (7, "OTP"),
    "recovery_codes": (7, "OTP"),
    "hwk": (10, "WebAuthn"),
    "swk": (10, "WebAuthn"),
    "webauthn": (10, "WebAuthn"),
    "email": (8, "Email"),
}
_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
MULTIPLE_FACTORS = "mfa"
# Of the values of RFC 8176, these say how a factor was used, not which.
_NO_FACTORS = {MULTIPLE_FACTORS, "user"}


def present(members: Members) -> Members:
    """Return the members that hold something: OCSF knows no null."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def actor_user(form: Form) -> Members:
    """Return who acted; ``uid_alt`` is the pseudonym of a name that no account has. Empty if nothing is known."""
    return present({"uid": form["actor_id"], "name": form["actor_name"], "uid_alt": form["actor_pseudonym"]})


def actor(form: Form) -> Members:
    """Return the actor with the session; empty if nothing is known."""
    found = actor_user(form)
    user = found if found.keys() & {"uid", "name"} else {}
    return present({"user": user, "session": present({"uid": form["session_id"]})})


def affected_user(form: Form) -> Members:
    """Return the user whom something happened to: the target, without one the actor. Each class demands a name."""
    target = present({"uid": form["target_id"], "name": form["target_name"]})
    found = target or actor_user(form)
    return found if found.keys() & {"uid", "name"} else {"name": "unknown", **found}


def source(form: Form) -> Members:
    """Return the address of the client; empty if there was no request."""
    return present({"ip": form["ip_address"]})


def request(form: Form) -> Members:
    """Return the HTTP request, as far as the event knows it."""
    url = present({"path": _text(form["data"].get("route"))})
    method = form["data"].get("method")
    known = method if method in _METHODS else None
    members = {"uid": form["correlation_id"], "user_agent": form["user_agent"], "http_method": known, "url": url}
    return present(members)


def factors(form: Form) -> Sequence[Members]:
    """Return the factors by which somebody signed in, or that an event is about."""
    named = form["data"].get("amr") or form["data"].get("factor")
    names = named if isinstance(named, list) else [named]
    known = [_FACTORS.get(name, (99, name)) for name in names if isinstance(name, str) and name not in _NO_FACTORS]
    return [{"factor_type_id": type_id, "factor_type": caption} for type_id, caption in dict.fromkeys(known)]


def finding(form: Form) -> Members:
    """Return what was found and by which rule: the type of the event is the rule."""
    title = title_of(form["type"])
    analytic = {"uid": form["type"], "name": title, "type_id": 1, "type": "Rule"}
    return {"uid": form["id"], "title": title, "types": [form["type"]], "analytic": analytic}


def evidences(form: Form) -> Sequence[Members]:
    """Return what a finding rests on. It needs no profile here, unlike ``actor`` of the class itself."""
    evidence = {"actor": actor(form), "src_endpoint": source(form), "http_request": request(form)}
    found = present(evidence)
    # One of the members that OCSF counts as evidence has to be there; a request is none of them.
    return [found] if found.keys() - {"http_request"} else []


def privileges(form: Form) -> list[str]:
    """Return the rights that were given or taken, by the names under which events hold them."""
    named = next((form["data"][name] for name in ("privileges", "rights", "scopes") if form["data"].get(name)), None)
    return [str(name) for name in (named if isinstance(named, list) else [named or "unknown"])]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
