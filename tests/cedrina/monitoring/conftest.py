"""What tests of health and figures share."""

import pytest
from rest_framework.test import APIClient

from cedrina.monitoring.figures import exposition
from cedrina.monitoring.health import report


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture(autouse=True)
def _fresh():
    """Nothing that another test read is shown."""
    exposition.forget()
    report.forget()
    yield
    exposition.forget()
    report.forget()
