import pytest

from security_events.checks import check_settings


class TestCheckSettings:
    @pytest.mark.parametrize(
        ("given", "ids"),
        [
            ({}, []),
            ({"TRUNCATE_IP_ADDRESSES": True, "PSEUDONYM_KEY": "x", "PARTITIONS_AHEAD": 1}, []),
            ({"TRUNCATE_IPS": True}, ["security_events.E001"]),
            ({"PARTITIONS_AHEAD": 0}, ["security_events.E002"]),
        ],
    )
    def test_names_what_is_wrong(self, settings, given, ids):
        settings.SECURITY_EVENTS = given

        assert [problem.id for problem in check_settings()] == ids
