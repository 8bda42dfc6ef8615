import pytest

from security_events.ocsf import OcsfType

# Class: its activities in OCSF 1.8.0; 99 is "Other" in each.
ACTIVITIES = {2003: 3, 2004: 3, 3001: 12, 3002: 7, 3004: 13, 4002: 9, 6002: 8, 6003: 4}


@pytest.mark.parametrize("type_uid", list(OcsfType))
def test_each_type_is_a_class_and_one_of_its_activities(type_uid):
    class_uid, activity_id = divmod(type_uid, 100)
    assert 1 <= activity_id <= ACTIVITIES[class_uid] or activity_id == 99
