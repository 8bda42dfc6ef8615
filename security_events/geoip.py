"""Where an address is, by MaxMind DB files (MaxMind DB 2.0) that the operator supplies.

Two forms of records are read: MaxMind's own, nested one, and the flat one of the files that are on npm
(``{"country_code": "NO", "latitude": …}``). One file may hold places and another one networks, or one IPv4 and another
one IPv6: what the first file doesn't know, the next ones are asked.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from security_events.conf import security_event_settings

if TYPE_CHECKING:
    from maxminddb import Reader

log = logging.getLogger(__name__)

_EARTH_RADIUS_KM = 6371.0
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Location:
    """What is known of an address; an empty text, 0 or ``None`` is what is not. ``radius_km`` is the accuracy."""

    country: str = ""
    region: str = ""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None
    radius_km: int = 0
    asn: int = 0
    organisation: str = ""


class GeoDatabase:
    """Some files, opened when they are first needed and again when they were replaced.

    Replace a file by renaming a new one, as ``geoipupdate`` does: the open one is mapped into memory, and a file that
    is written over would change under its reader. A file that can't be read is logged once and left out; if it replaced
    another one, that one is used on.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._lock = threading.Lock()
        self._stamps: dict[Path, _Stamp | None] = {}
        self._readers: dict[Path, Reader] = {}

    def locate(self, address: str) -> Location | None:
        """Return what the files know of an address; ``None`` if it is nothing, or no address."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        found: dict[str, Any] = {}
        for path in self._paths:
            reader = self._reader(path)
            if reader is None or (parsed.version == 6 and reader.metadata().ip_version == 4):
                continue
            for name, value in _members(_record(reader, parsed, path)).items():
                found.setdefault(name, value)
        return Location(**found) if found else None

    def is_any_readable(self) -> bool:
        """Return whether one of the files could be opened when it was last looked at."""
        return any(self._reader(path) is not None for path in self._paths)

    def _reader(self, path: Path) -> Reader | None:
        stamp = _stamp(path)
        if self._stamps.get(path, ()) != stamp:
            with self._lock:
                if self._stamps.get(path, ()) != stamp:
                    self._open(path, stamp)
        return self._readers.get(path)

    def _open(self, path: Path, stamp: _Stamp | None) -> None:
        import maxminddb  # noqa: PLC0415 - a server without files does not load the library

        try:
            # The old reader is not closed: another thread may be reading. It ends with its last reader.
            self._readers[path] = maxminddb.open_database(path, maxminddb.MODE_AUTO)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            log.warning("geoip_file_unreadable: %s: %s", path, error)
        self._stamps[path] = stamp


def locate(address: str | None) -> Location | None:
    """Return what the files of ``SECURITY_EVENTS["GEOIP_PATHS"]`` know of an address."""
    paths = tuple(security_event_settings.GEOIP_PATHS)
    return _database(paths).locate(address) if paths and address else None


def place_name(address: str | None) -> str | None:
    """Return the place of an address for people, such as ``Oslo, NO``; ``None`` if it is not known."""
    location = locate(address)
    return ", ".join(filter(None, (location.city, location.country))) or None if location else None


@lru_cache(maxsize=4)
def _database(paths: tuple[str, ...]) -> GeoDatabase:
    return GeoDatabase([Path(path) for path in paths])


def is_any_file_readable() -> bool:
    """Return whether some place may be known: whether one of the files of the settings can be read."""
    paths = tuple(security_event_settings.GEOIP_PATHS)
    return bool(paths) and _database(paths).is_any_readable()


def unreadable_files() -> list[tuple[str, str]]:
    """Return the paths of the files of the settings that can't be read, each with the reason in English."""
    return [(path, fault) for path in map(str, security_event_settings.GEOIP_PATHS) if (fault := _fault_of(Path(path)))]


def _fault_of(path: Path) -> str:
    import maxminddb  # noqa: PLC0415 - as above

    try:
        with path.open("rb"):
            pass
        maxminddb.open_database(path, maxminddb.MODE_AUTO).close()
    except OSError as error:
        return error.strerror or type(error).__name__
    except (ValueError, maxminddb.InvalidDatabaseError):
        return "it is no MaxMind DB file"
    return ""


def distance_km(first: Location, second: Location) -> float | None:
    """Return the distance of two places on the surface of the earth; ``None`` if one is not known."""
    if None in (first.latitude, first.longitude, second.latitude, second.longitude):
        return None
    latitude, other = math.radians(first.latitude or 0), math.radians(second.latitude or 0)
    longitudes = math.radians((second.longitude or 0) - (first.longitude or 0))
    haversine = (
        math.sin((other - latitude) / 2) ** 2 + math.cos(latitude) * math.cos(other) * math.sin(longitudes / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(haversine)))


def _record(reader: Reader, address: ipaddress.IPv4Address | ipaddress.IPv6Address, path: Path) -> object:
    import maxminddb  # noqa: PLC0415 - as above

    try:
        return reader.get(address)
    except (ValueError, maxminddb.InvalidDatabaseError) as error:
        log.warning("geoip_record_unreadable: %s: %s", path, error)
        return None


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _members(record: object) -> dict[str, Any]:
    """Return the members of a location that a record has."""
    if not isinstance(record, Mapping):
        return {}
    found = _nested(record) if any(isinstance(value, Mapping) for value in record.values()) else _flat(record)
    latitude, longitude = found.get("latitude"), found.get("longitude")
    if not (_is_within(latitude, 90) and _is_within(longitude, 180)):
        found.pop("latitude", None)
        found.pop("longitude", None)
    return {name: value for name, value in found.items() if value not in (None, "", 0) or name.endswith("tude")}


def _nested(record: Mapping[str, Any]) -> dict[str, Any]:
    place = _mapping(record.get("location"))
    regions = record.get("subdivisions")
    region = regions[0] if isinstance(regions, list) and regions else {}
    return {
        "country": _text(_mapping(record.get("country")).get("iso_code")),
        "region": _text(_mapping(region).get("iso_code")),
        "city": _text(_mapping(_mapping(record.get("city")).get("names")).get("en")),
        "latitude": place.get("latitude"),
        "longitude": place.get("longitude"),
        "radius_km": _number(place.get("accuracy_radius")),
        **_network(record),
    }


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "country": _text(record.get("country_code")),
        "region": _text(record.get("state1")),
        "city": _text(record.get("city")),
        "latitude": record.get("latitude"),
        "longitude": record.get("longitude"),
        **_network(record),
    }


def _network(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "asn": _number(record.get("autonomous_system_number")),
        "organisation": _text(record.get("autonomous_system_organization")),
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _is_within(value: object, limit: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -limit <= value <= limit
