from types import SimpleNamespace

import pytest
from django.core.checks import WARNING
from django.db import connections

from security_events import checks
from security_events.catalogue import EventType
from security_events.checks import check_database, check_event_types, check_settings
from security_events.types import Severity


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


class TestCheckEventTypes:
    def test_accepts_all_types_of_the_product(self):
        assert check_event_types() == []

    @pytest.mark.parametrize(
        ("ocsf_type_uid", "said"),
        [
            (None, "no OCSF class"),
            (0, "no OCSF class"),
            (3002, "no OCSF class"),
            (300250, "class 3002 has no activity 50"),
            (500101, "the OCSF class 5001, which is not exported; these are: 1008, 2003"),
        ],
    )
    def test_names_a_type_that_has_no_place_in_ocsf(self, monkeypatch, ocsf_type_uid, said):
        event_type = EventType("invoice.paid", "billing", Severity.LOW, 0, ocsf_type_uid)
        monkeypatch.setattr(checks, "CATALOGUE", {event_type.id: event_type})

        (warning,) = check_event_types()
        assert warning.id == "security_events.W001"
        assert warning.level == WARNING
        assert "invoice.paid" in warning.msg
        assert said in warning.msg


class TestCheckDatabase:
    def test_accepts_postgresql(self):
        assert check_database() == []

    def test_refuses_any_other(self, monkeypatch):
        monkeypatch.setattr(connections["default"], "vendor", "sqlite", raising=False)

        (error,) = check_database()
        assert error.id == "security_events.E003"
        assert "PostgreSQL" in error.msg
