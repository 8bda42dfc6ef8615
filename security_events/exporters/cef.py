"""Events in the Common Event Format, version 0: ArcSight Common Event Format, implementation standard 26."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from security_events.exporters.product import VENDOR, Product, title_of

# 0 to 3 are low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high.
_SEVERITIES = {"info": 0, "low": 3, "medium": 5, "high": 8, "critical": 10}
_TEXT, _CUSTOM = 1023, 4000  # the lengths that the dictionary of extensions gives
_LENGTHS = {
    "act": 63,
    "externalId": 40,
    **dict.fromkeys(("cat", "msg", "outcome", "suser", "suid", "duser", "duid", "reason"), _TEXT),
    **dict.fromkeys(("requestClientApplication", *(f"cs{number}Label" for number in range(1, 7))), _TEXT),
    **dict.fromkeys((f"cs{number}" for number in range(1, 7)), _CUSTOM),
}
# What some readers take for the end of a line, and terminals for a command: a client could write lines of its own by
# its User-Agent. CEF has escapes for two of these.
_LINE_ENDS = dict.fromkeys("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\\n")
_CONTROLS = {chr(code): " " for code in (*range(0x20), *range(0x7F, 0xA0))}
_HEADER = str.maketrans({**_CONTROLS, **dict.fromkeys(_LINE_ENDS, " "), "\\": "\\\\", "|": "\\|"})
_EXTENSION = str.maketrans({**_CONTROLS, **_LINE_ENDS, "\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})


def cef_line(form: Mapping[str, Any], product: Product) -> str:
    """Return an event as one line. Values beyond the lengths of the dictionary are cut: the id finds the event."""
    header = [VENDOR, product.name, product.version, form["type"], title_of(form["type"])]
    severity = _SEVERITIES.get(form["severity"], 5)
    fields = " ".join(f"{key}={_extension(key, value)}" for key, value in _extensions(form))
    return "|".join(["CEF:0", *(part.translate(_HEADER) for part in header), str(severity), fields])


def _extension(key: str, value: Any) -> str:
    return str(value)[: _LENGTHS.get(key)].translate(_EXTENSION)


def _extensions(form: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "rt", int(datetime.fromisoformat(form["occurred_at"]).timestamp() * 1000)
    yield "externalId", form["id"]
    yield "cat", form["category"]
    yield "act", form["type"]
    yield "outcome", form["outcome"]
    named = {
        "suid": form["actor_id"],
        "suser": form["actor_name"],
        "duid": form["target_id"],
        "duser": form["target_name"],
        "requestClientApplication": form["user_agent"],
        "reason": ", ".join(map(str, form["risk_reasons"])),
    }
    yield from ((key, value) for key, value in named.items() if value)
    yield from _address(form["ip_address"])
    yield from (("cn1", form["risk_score"]), ("cn1Label", "Risk score"))
    custom = {
        "Session": form["session_id"],
        "Token family": form["family_id"],
        "Correlation id": form["correlation_id"],
        "Data": form["data"] and json.dumps(form["data"], ensure_ascii=False, separators=(",", ":")),
        "Pseudonym of the actor": form["actor_pseudonym"],
    }
    for number, (label, value) in enumerate(custom.items(), start=1):
        if value:
            yield from ((f"cs{number}", value), (f"cs{number}Label", label))


def _address(address: str | None) -> Iterator[tuple[str, str]]:
    if address is None:
        return
    if ip_address(address).version == 4:
        yield "src", address
    else:  # the dictionary's src takes IPv4 only
        yield from (("c6a2", address), ("c6a2Label", "Source IPv6 Address"))
