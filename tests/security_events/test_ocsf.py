import pytest

from security_events.exporters.ocsf.schema import OCSF_1_8
from security_events.ocsf import OcsfType


@pytest.mark.parametrize("type_uid", list(OcsfType))
def test_each_type_is_a_class_and_one_of_its_activities(type_uid):
    """The captions of the table are those of OCSF: tests/security_events/exporters/test_ocsf.py."""
    assert OCSF_1_8.describes(type_uid)
