"""Generated requests, good and bad, against the described contract: what comes back is what the document says."""

import json

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks

from tests.budgets import examples
from tests.described import calls, document, narrowed
from tests.factories.tokens import open_session

load_all_checks()
CHECKS = schemathesis.checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "ignored_auth",
    ]
)


# A body that fits no schema may also be too large to be looked at.
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428"]
LAST_VERSION = 10**18  # the greatest that the document allows
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})
# Each worker collects all tests. So the cases of a path are made in its test: those of all take 5 s of CPU.
described_path = schemathesis.pytest.from_fixture("schema_of_path")


@pytest.fixture(scope="module")
def whole():
    return narrowed(json.loads(OpenApiJsonRenderer().render(document())))


@pytest.fixture(params=sorted({call.template for call in calls()}))
def schema_of_path(request, whole):
    # Schemathesis 4.32 notes there what it does. Pytest had such an attribute until version 9.1.
    request.node._nodeid = request.node.nodeid
    paths = {request.param: whole["paths"][request.param]}
    schema = schemathesis.openapi.from_dict({**whole, "paths": paths}, config=CONFIG)
    schema.app = get_wsgi_application()
    return schema


@pytest.fixture
def kept_connection(db):
    """Keep the test's transaction, which the end of a request would close, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def optional_confirmation(settings):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional"}


def _ask_of_a_known_version(case):
    """Replace a version of the policy that nobody has made yet: the answer is 503, as the contract has it."""
    body = case.body
    if (
        isinstance(body, dict)
        and type(body.get("at_least_version")) is int
        and body["at_least_version"] <= LAST_VERSION
    ):
        body["at_least_version"] = min(body["at_least_version"], 0)


@pytest.fixture
def ask(db):
    """Return a function that sends a case with an access token, and takes back what it did: each is the first."""
    headers = {"Authorization": f"Bearer {open_session().access_token}"}
    # Not by `atomic`: services that demand to be the outermost one would refuse to work. One savepoint for all cases
    # of an operation: with one for each, the last one would be in seventy others.
    before = transaction.savepoint()

    def send(case):
        _ask_of_a_known_version(case)
        try:
            case.call_and_validate(checks=CHECKS, headers=headers)
        finally:
            transaction.savepoint_rollback(before)

    return send


@pytest.mark.django_db
@pytest.mark.slow
@described_path.parametrize()
@settings(
    max_examples=examples(0.15),
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_answers_are_what_the_document_says(case, ask, kept_connection, optional_confirmation):
    ask(case)
