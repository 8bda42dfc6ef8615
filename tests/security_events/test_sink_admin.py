"""The admin's list of sinks, and how far each is behind."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.administration.sink_list import SinkAdmin, SinkList
from security_events.delivery import configured_sinks, delivery_risks, kinds, sender
from security_events.models import Sink, SinkState
from security_events.selectors import sink_backlogs
from security_events.services.recording import record
from security_events.services.trail import sealing

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def page():
    return SinkAdmin(Sink, admin.site)


@pytest.fixture
def sinks(settings, tmp_path):
    kinds.load()
    urls = [f"{tmp_path}/notes", f"{tmp_path}/events?content=events"]
    settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "SINKS": urls}
    configured_sinks.synchronise(now=NOW)
    return {sink.kind: sink for sink in Sink.objects.all()}


def waiting(page):
    return {sink.kind: page.waiting(sink) for sink in Sink.objects.all()}


def test_counts_events_and_checkpoints_that_wait(page, sinks):
    assert waiting(page) == {"file": "0", "checkpoint_file": "0"}
    for _ in range(2):
        record(LOGIN_SUCCEEDED)
        sealing.seal(now=NOW)
    record(LOGIN_SUCCEEDED)

    # The first seal has made the audit key, which is an event, too.
    assert waiting(page) == {"file": "4", "checkpoint_file": "2"}
    since = page.waiting_since(sinks["checkpoint_file"])
    for sink in sinks.values():
        sender.deliver(sink.pk, now=NOW)

    assert since == "2026-03-01 12:00"
    assert waiting(page) == {"file": "0", "checkpoint_file": "0"}
    assert page.waiting_since(Sink.objects.get(kind="file")) == "-"


def test_counts_to_a_bound(sinks):
    for _ in range(5):
        record(LOGIN_SUCCEEDED)

    assert sink_backlogs.backlogs([sinks["file"].pk], checkpoint_kinds=[], most=2)[sinks["file"].pk].waiting == 3


def test_asks_once_for_a_whole_page(page, sinks, rf):
    request = rf.get("/admin/security_events/sink/")
    request.user = SimpleNamespace(has_perm=lambda *_: True)
    listed = page.get_changelist_instance(request)

    with CaptureQueriesContext(connection) as asked:
        shown = [page.waiting(sink) + page.waiting_since(sink) for sink in listed.result_list]

    assert isinstance(listed, SinkList)
    assert shown == ["0-", "0-"]
    assert len(asked) == 0


def test_says_what_stands_still_and_what_may_be_lost(page, sinks):
    delivery_risks.add(sinks["file"], 3, now=NOW)
    Sink.objects.filter(kind="file").update(is_enabled=False)
    Sink.objects.filter(kind="checkpoint_file").update(
        state=SinkState.FAILING, last_error="<b>status 503</b>", failing_since=NOW - timedelta(hours=1)
    )
    rows = {sink.kind: sink for sink in page.get_queryset(None)}

    assert page.delivery_state(rows["file"]) == "switched off"
    assert page.at_risk(rows["file"]) == "3"
    assert page.delivery_state(rows["checkpoint_file"]) == "failing, tried again"
    assert page.reason(rows["checkpoint_file"]) == "<bdi>&lt;b&gt;status 503&lt;/b&gt;</bdi>"
    assert page.at_risk(rows["checkpoint_file"]) == "-"
