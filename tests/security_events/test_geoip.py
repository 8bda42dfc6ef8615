"""Places of addresses, from files that another program writes, and from one that others publish."""

import threading
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from cedrina.operations import corrections
from security_events.checks import check_places
from security_events.detection import rules
from security_events.detection.rules import RULES
from security_events.geoip import GeoDatabase, Location, distance_km
from security_events.services.detection.availability import unavailable_reason
from tests.programs import node_packages

PUBLISHED = Path(__file__).parent / "geoip_data"
OSLO = {
    "country": {"iso_code": "NO"},
    "subdivisions": [{"iso_code": "03"}],
    "city": {"names": {"en": "Oslo", "de": "Oslo"}},
    "location": {"latitude": 59.91, "longitude": 10.75, "accuracy_radius": 20},
}
BERLIN_FLAT = {"country_code": "DE", "city": "Berlin", "state1": "Berlin", "latitude": 52.52, "longitude": 13.4}
PROVIDER = {"autonomous_system_number": 64512, "autonomous_system_organization": "Example"}


@pytest.fixture
def write(tmp_path):
    def written(name, records, *, version=6, kind="Test"):
        writer = MMDBWriter(
            version, kind, ipv4_compatible=version == 6, languages=["en"], description="", float_type="f64"
        )
        for network, record in records.items():
            writer.insert_network(IPSet([network]), record)
        path = tmp_path / name
        writer.to_db_file(str(path) + ".new")
        Path(str(path) + ".new").replace(path)
        return path

    return written


def test_reads_the_nested_record_of_both_families(write):
    places = GeoDatabase([write("city.mmdb", {"192.0.2.0/24": OSLO, "2001:db8::/32": OSLO})])
    expected = Location("NO", "03", "Oslo", 59.91, 10.75, 20)

    assert places.locate("192.0.2.9") == places.locate("2001:db8::1") == expected
    assert places.locate("198.51.100.1") is None


def test_reads_the_flat_record_and_joins_files(write):
    places = GeoDatabase(
        [
            write("ipv4.mmdb", {"192.0.2.0/24": BERLIN_FLAT}, version=4),
            write("asn.mmdb", {"192.0.2.0/25": PROVIDER, "2001:db8::/32": PROVIDER}),
        ]
    )

    assert places.locate("192.0.2.9") == Location(
        "DE", "Berlin", "Berlin", 52.52, 13.4, asn=64512, organisation="Example"
    )
    assert places.locate("192.0.2.200").asn == 0
    assert places.locate("2001:db8::1") == Location(asn=64512, organisation="Example")


@pytest.mark.parametrize("address", ["", "nonsense", "192.0.2.0/24", "unix:/run/x", "::ffff:1.2.3.4.5"])
def test_knows_nothing_of_what_is_no_address(write, address):
    assert GeoDatabase([write("city.mmdb", {"0.0.0.0/0": OSLO})]).locate(address) is None


@pytest.mark.parametrize(
    "record",
    [
        {"location": {"latitude": "north", "longitude": 5}, "country": {"iso_code": 7}},
        {"location": {"latitude": 91.0, "longitude": 5.0}, "subdivisions": {}},
        {"latitude": 500.0, "longitude": 0.0, "country_code": ["NO"]},
        {"city": {"names": "Oslo"}},
        ["a", "list"],
        "a text",
    ],
)
def test_leaves_out_what_is_not_of_the_form(write, record):
    assert GeoDatabase([write("odd.mmdb", {"192.0.2.0/24": record})]).locate("192.0.2.1") is None


def test_sees_a_replaced_file_and_keeps_the_old_one_if_the_new_one_is_broken(write, tmp_path, caplog):
    path = write("city.mmdb", {"192.0.2.0/24": OSLO})
    places = GeoDatabase([path])
    assert places.locate("192.0.2.1").city == "Oslo"

    write("city.mmdb", {"192.0.2.0/24": BERLIN_FLAT})
    assert places.locate("192.0.2.1").city == "Berlin"

    (tmp_path / "broken").write_bytes(b"not a database")
    (tmp_path / "broken").replace(path)
    assert places.locate("192.0.2.1").city == places.locate("192.0.2.2").city == "Berlin"
    assert caplog.text.count("geoip_file_unreadable") == 1


def test_knows_nothing_without_a_file_until_there_is_one(write, tmp_path):
    places = GeoDatabase([tmp_path / "city.mmdb"])
    assert places.locate("192.0.2.1") is None

    write("city.mmdb", {"192.0.2.0/24": OSLO})
    assert places.locate("192.0.2.1").city == "Oslo"


def test_answers_many_threads_while_the_file_is_replaced(write):
    path = write("city.mmdb", {"192.0.2.0/24": OSLO})
    places, seen, ended = GeoDatabase([path]), set(), threading.Event()

    def ask():
        while not ended.is_set():
            seen.add(getattr(places.locate("192.0.2.1"), "city", None))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        write("city.mmdb", {"192.0.2.0/24": BERLIN_FLAT if number % 2 else OSLO})
    ended.set()
    for thread in threads:
        thread.join()

    assert seen <= {"Oslo", "Berlin"}


class TestFilesThatAreNotThere:
    @pytest.fixture
    def configured(self, settings):
        def configure(*paths):
            settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "GEOIP_PATHS": list(map(str, paths))}

        return configure

    def test_are_reported_by_the_checks_and_others_are_not(self, configured, write, tmp_path):
        broken = tmp_path / "broken.mmdb"
        broken.write_bytes(b"not a database")
        configured(write("city.mmdb", {"192.0.2.0/24": OSLO}), broken, tmp_path / "missing.mmdb", tmp_path)
        found = check_places()

        assert {message.id for message in found} == {"security_events.W010"}
        assert [
            str(path) in message.msg
            for path, message in zip((broken, tmp_path / "missing.mmdb"), found[:2], strict=True)
        ]
        assert len(found) == 3
        assert corrections.CORRECTIONS["security_events.W010"].page == "docs/geoip.md"

    def test_let_rules_that_need_places_say_that_they_are_off(self, configured, write, tmp_path):
        rules.load()
        path = tmp_path / "city.mmdb"
        for paths in ((), (path,)):
            configured(*paths)
            assert "GEOIP_PATH" in str(unavailable_reason(RULES["impossible_travel"]))
            assert unavailable_reason(RULES["brute_force"]) == ""
        write("city.mmdb", {"192.0.2.0/24": OSLO})

        assert unavailable_reason(RULES["impossible_travel"]) == ""


class TestDistance:
    @pytest.mark.parametrize(
        ("first", "second", "kilometres"),
        [
            ((59.9139, 10.7522), (52.52, 13.405), 838),  # Oslo and Berlin
            ((0.0, 179.5), (0.0, -179.5), 111),  # across the date line
            ((90.0, 0.0), (-90.0, 0.0), 20015),
            ((1.0, 1.0), (1.0, 1.0), 0),
        ],
    )
    def test_is_that_of_the_great_circle(self, first, second, kilometres):
        places = [Location(latitude=latitude, longitude=longitude) for latitude, longitude in (first, second)]
        assert distance_km(*places) == pytest.approx(kilometres, abs=1)

    def test_is_not_known_without_both_places(self):
        assert distance_km(Location(latitude=1.0, longitude=1.0), Location(country="NO")) is None


@pytest.mark.parametrize(
    ("address", "country"),
    [("130.89.1.1", "NL"), ("2001:67c:2564::1", "NL"), ("193.0.6.139", "NL"), ("8.8.8.8", "US"), ("10.0.0.1", None)],
)
def test_reads_a_published_file(address, country):
    """A file of countries in the public domain (CC0), with the flat record, of both families."""
    node_packages.install(PUBLISHED)
    files = list((PUBLISHED / "node_modules" / "@ip-location-db" / "geo-whois-asn-country-mmdb").glob("*.mmdb"))
    places = GeoDatabase(sorted(files))

    assert files
    assert getattr(places.locate(address), "country", None) == country
