"""Tracing is off and costs nothing until a collector is named; a dead collector holds nothing up."""

import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync

from cedrina.monitoring.tracing import process
from cedrina.monitoring.tracing.process import END_SECONDS
from cedrina.operations import job_spans
from cedrina.serving import traced_requests
from cedrina.settings.environment_settings import EnvironmentSettings
from cedrina.settings.validation import contradictions
from cedrina_base import tracing
from tests.programs import served
from tests.programs.ports import free_port

PROGRAM = """
import sys
import cedrina.serving.application
from django.conf import settings
from cedrina.monitoring.tracing import process
process.start(settings.MONITORING, environment=settings.ENVIRONMENT)
handler = cedrina.serving.application.request_handler
print(process.present_recorder(), *[name for name in sys.modules if name.startswith(("opentelemetry", "google"))])
"""


def settings_of(**values):
    return EnvironmentSettings.model_construct(**values)


@pytest.fixture
def recording():
    """A recorder whose collector refuses connections."""
    endpoint = f"http://127.0.0.1:{free_port()}/v1/traces"
    process.start({"TRACES_ENDPOINT": endpoint, "TRACES_HEADERS": ""}, environment="test")
    yield process.present_recorder()
    process.stop()


@pytest.mark.process
def test_without_a_collector_nothing_of_it_is_imported():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=served.ROOT,
        env=served.environment(DJANGO_SETTINGS_MODULE="cedrina.settings.dev"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["None"], done.stderr


class TestWithoutARecorder:
    def test_a_span_is_one_object_for_all_and_an_error_goes_on(self):
        assert tracing.call_span("GET", {}) is tracing.call_span("POST", {})
        assert tracing.traceparent() == ""
        with tracing.call_span("GET", {}) as span:
            span.set("a", 1)
        with pytest.raises(ZeroDivisionError), tracing.call_span("GET", {}):
            raise ZeroDivisionError


class TestTheEnd:
    def test_waits_for_a_dead_collector_no_longer_than_it_says(self, recording):
        with tracing.job_span("a job", {}, parent=""):
            assert tracing.traceparent()
        began = time.monotonic()
        process.stop()
        assert time.monotonic() - began < END_SECONDS + 5  # five for a machine that is busy with other things
        assert process.present_recorder() is None
        assert tracing.traceparent() == ""


class TestACollectorThatHangs:
    def test_is_waited_for_by_nobody_who_records(self, monkeypatch):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "3600")  # whoever waits is seen by pytest's time limit
        with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections, and never answers
            endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
            process.start({"TRACES_ENDPOINT": endpoint, "TRACES_HEADERS": ""}, environment="test")
            try:
                for _ in range(4096):  # twice what the SDK's queue holds
                    with tracing.job_span("a job", {}, parent=""):
                        assert tracing.traceparent()
            finally:
                process.stop()
        assert process.present_recorder() is None


class TestParents:
    HEADER = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"

    @pytest.mark.parametrize("peer", ["192.0.2.1", "", None])
    def test_a_client_can_not_choose_its_trace(self, settings, peer):
        settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": ["203.0.113.0/24"]}
        environ = {"HTTP_TRACEPARENT": self.HEADER, "REMOTE_ADDR": peer}
        assert traced_requests._trusted_parent(environ) == ""
        assert traced_requests._trusted_parent({**environ, "REMOTE_ADDR": "203.0.113.9"}) == self.HEADER

    @pytest.mark.parametrize(
        "header", [HEADER, "", "nonsense", HEADER[:-1], "00-" + "0" * 32 + HEADER[35:], "ff" * 500]
    )
    def test_a_job_goes_on_with_a_trace_that_is_one(self, recording, header):
        job = SimpleNamespace(task_name="a.task", queue="mail", attempts=0, task_kwargs={"traceparent": header})

        async def run():
            return tracing.traceparent()

        within = async_to_sync(job_spans.trace)(run, SimpleNamespace(job=job), None)
        assert within.startswith("00-")
        assert (within[3:35] == "ab" * 16) == (header == self.HEADER)


class TestSettings:
    def test_the_endpoint_of_traces_goes_before_the_general_one(self):
        assert settings_of().traces_endpoint == ""
        general = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}
        assert settings_of(**general).traces_endpoint == "http://collector:4318/v1/traces"
        own = {**general, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces.example.org/x"}
        assert settings_of(**own).traces_endpoint == "https://traces.example.org/x"
        assert settings_of(**own, OTEL_SDK_DISABLED=True).traces_endpoint == ""

    @pytest.mark.parametrize(
        "url", ["http://user:secret@collector:4318", "http://collector:4318/?key=secret", "grpc://collector:4317"]
    )
    def test_an_endpoint_has_no_password_or_key_and_speaks_http(self, url):
        (fault,) = contradictions(settings_of(OTEL_EXPORTER_OTLP_ENDPOINT=url))
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in fault
        assert "secret" not in fault
