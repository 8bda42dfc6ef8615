"""From the general to the particular: the levels at which two clients can be alike.

Each level is a value inside of the one before. Versions are left out until the last level, because an update must not
make a new client of an old one. What is not known, such as the country without a GeoIP database, is a value like any
other: it is alike in all clients, so it says nothing.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from types import MappingProxyType

from security_events.detection.sign_ins import ClientFacts

Path = tuple[object, ...]
_WITHOUT_DIGITS = str.maketrans("", "", "0123456789._")

FEATURES: Mapping[str, tuple[tuple[str, Callable[[ClientFacts], object]], ...]] = MappingProxyType(
    {
        "place": (
            ("country", lambda client: client.country),
            ("provider", lambda client: client.asn),
            ("city", lambda client: client.city),
            ("network", lambda client: client.network),
            ("address", lambda client: client.ip_address),
        ),
        "program": (
            ("device_type", lambda client: client.device_type),
            ("system", lambda client: _family(client.system)),
            ("browser", lambda client: _family(client.browser)),
            ("user_agent", lambda client: client.user_agent),
        ),
    }
)


def paths(feature: str, client: ClientFacts) -> Iterator[tuple[str, Path]]:
    """Return the levels of a feature, each with the client's values from the first level on."""
    path: Path = ()
    for level, value_of in FEATURES[feature]:
        path = (*path, value_of(client))
        yield level, path


def _family(name_and_version: str) -> str:
    return name_and_version.translate(_WITHOUT_DIGITS).strip()


def path_digest(feature: str, path: Path) -> bytes:
    """Return the key of a path in the table of counts: 16 bytes."""
    return blake2b(json.dumps([feature, *path]).encode(), digest_size=16).digest()
