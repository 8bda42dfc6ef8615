"""CloudEvents: the SDK of the specification's authors reads each envelope."""

import json
from datetime import datetime

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from security_events.exporters.formats import ExportFormat, line_of
from tests.security_events.exporters.forms import PRODUCT, each_form, every_type


@each_form
@every_type
def test_the_sdk_reads_each_type(event_type, form_of):
    form = form_of(event_type)

    event = JSONFormat().read(CloudEvent, line_of(form, ExportFormat.CLOUDEVENTS, PRODUCT).encode())

    assert (event.get_id(), event.get_source()) == (form["id"], "https://id.example.org")
    assert event.get_type() == f"dev.cedrina.{event_type.id}"
    assert event.get_time() == datetime.fromisoformat(form["occurred_at"])
    assert event.get_subject() == form["target_id"]
    data = event.get_data()
    assert (json.loads(data) if isinstance(data, str | bytes) else data) == form
