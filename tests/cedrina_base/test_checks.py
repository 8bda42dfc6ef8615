import pytest

from cedrina_base.checks import check_deployment, check_settings


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"OUTBOUND_NETWORKS": []}, "E001"),
        ({"OUTBOUND_ALLOWED_NETWORKS": ["10.0.0.1/8"]}, "E002"),
        ({"OUTBOUND_ALLOWED_NETWORKS": ["intranet"]}, "E002"),
        ({"OUTBOUND_ALLOWED_NETWORKS": ["64:ff9b::/96"]}, "E002"),
        ({"OUTBOUND_ALLOWED_PORTS": []}, "E003"),
        ({"OUTBOUND_ALLOWED_PORTS": [0]}, "E003"),
        ({"OUTBOUND_ALLOWED_PORTS": [65536]}, "E003"),
    ],
)
def test_settings_that_can_not_be_are_named(settings, given, number):
    settings.CEDRINA_BASE = given
    assert [problem.id for problem in check_settings()] == [f"cedrina_base.{number}"]


def test_sound_settings_are_not(settings):
    settings.CEDRINA_BASE = {"OUTBOUND_ALLOWED_NETWORKS": ["10.1.0.0/16", "fd00::/8"], "OUTBOUND_ALLOWED_PORTS": [443]}
    assert check_settings() == []
    assert check_deployment() == []


def test_production_sends_nothing_in_the_clear(settings):
    settings.CEDRINA_BASE = {"OUTBOUND_PLAIN_HTTP": True}
    assert [problem.id for problem in check_deployment()] == ["cedrina_base.E004"]
