"""docs/event-types.md lists the catalogue."""

from security_events.catalogue import CATALOGUE
from security_events.ocsf import OcsfType
from tests.architecture.source import ROOT

HEAD = """# Event types

Every type of event that Cedrina records. Each app declares its own in `<app>/event_types.py`;
[security-events.md](security-events.md) says how a project adds further ones.

An event also holds its actor and target, the outcome, the session, the reasons, and the address and user agent of the
request. `data` has no other keys than these. A summary of deduplicated events adds `repeats`, `first_event` and
`since`.

| type | category | severity | base risk | OCSF class, activity | keys of `data` |
|---|---|---|---|---|---|
"""


def row(event_type):
    keys = ", ".join(f"`{key}`" for key in event_type.data)
    ocsf = f"{event_type.ocsf_class_uid}, {event_type.ocsf_activity_id} {OcsfType(event_type.ocsf_type_uid).name}"
    cells = (f"`{event_type}`", event_type.category, event_type.severity, event_type.base_risk, ocsf, keys)
    return f"| {' | '.join(map(str, cells))} |\n"


def page():
    return HEAD + "".join(row(CATALOGUE[name]) for name in sorted(CATALOGUE))


def test_the_page_lists_the_catalogue():
    assert (ROOT / "docs" / "event-types.md").read_text(encoding="utf-8") == page()
