"""Log lines: of one shape, tied to their request, without secrets."""

import json
import os

import pytest

from cedrina.operations.logging import add_correlation_id
from security_events.context import RequestContext, bind
from tests.programs import forked_programs

SCRIPT = """
import logging, structlog
from cedrina.operations.logging import configure
configure({{"FORMAT": "{form}", "LEVEL": "INFO", "FILE": None}})
structlog.get_logger("ours").info("signed_in", password="hunter2hunter2", email="mina@example.com", n=1)
logging.getLogger("theirs").warning("token is %s", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")
logging.getLogger("theirs").debug("not shown")
try:
    raise ValueError("postgres://user:topsecret@db/x")
except ValueError:
    logging.getLogger("theirs").exception("failed")
"""


def lines(form):
    code, _, err = forked_programs.run(["-c", SCRIPT.format(form=form)], environment=dict(os.environ))
    assert code == 0, err
    return err


@pytest.mark.process
class TestConfigure:
    def test_writes_one_object_a_line(self):
        ours, theirs, failure = [json.loads(line) for line in lines("json").splitlines()]
        assert (ours["event"], ours["level"], ours["logger"], ours["n"]) == ("signed_in", "info", "ours", 1)
        assert theirs["logger"] == "theirs"
        assert "Traceback" in failure["exception"]

    @pytest.mark.parametrize("form", ["json", "console"])
    def test_masks_last(self, form):
        text = lines(form)
        for secret in ("hunter2hunter2", "mina@example.com", "c2lnbmF0dXJl", "topsecret"):
            assert secret not in text
        assert "not shown" not in text


class TestAddCorrelationId:
    def test_names_the_request(self):
        with bind(RequestContext(correlation_id="my-request")):
            assert add_correlation_id(None, "", {})["correlation_id"] == "my-request"
        assert "correlation_id" not in add_correlation_id(None, "", {})
