"""Networks from which attacks come: for a while, their strangers get lower limits in every process.

The limits themselves are policies like any other, whose scope has a named key that only requests from these networks
have. So operators read, change and switch them off as ever, and other requests cost nothing more. Each process follows
the table by its background thread; a request looks into a dictionary.
"""

from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction

from ratelimiting.client_addresses.networks import (
    IPV4_SURROUNDING_PREFIX,
    IPV6_PREFIXES,
    enclosing_networks,
    is_public,
    normalise,
)
from ratelimiting.models import TightenedNetwork
from ratelimiting.services.policies import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_FOLLOWED = 10_000  # networks in the memory of a process, those that were tightened last
_NARROWEST = {4: IPV4_SURROUNDING_PREFIX, 6: IPV6_PREFIXES[-1]}


class _ProcessState:
    def __init__(self) -> None:
        self.ends: Mapping[str, datetime] = {}


_state = _ProcessState()


def tighten(*, tightening_id: UUID, network: str, reason: str, ends_at: datetime, now: datetime) -> bool:
    """Lower the limits of a network's strangers until a moment; return whether that is possible.

    It is not for networks wider than a /24 or a /48, nor for those that are not public: behind a proxy that
    TRUSTED_PROXIES does not name, all clients seem to come from one such network. ``reason`` is a word.
    """
    canonical = counted_network(network)
    if canonical is None:
        return False
    with transaction.atomic():
        TightenedNetwork.objects.filter(ends_at__lte=now).delete()
        TightenedNetwork.objects.create(
            pk=tightening_id, network=canonical, reason=reason[:64], began_at=now, ends_at=ends_at
        )
        _notify()
    return True


def relax(*, tightening_id: UUID) -> None:
    """Take back what an id asked for. The network stays tightened if another one asks for it, too."""
    with transaction.atomic():
        TightenedNetwork.objects.filter(pk=tightening_id).delete()
        _notify()


def refresh(*, now: datetime) -> None:
    """Read which networks are tightened. The background thread calls this once a second, and after each change."""
    rows = TightenedNetwork.objects.filter(ends_at__gt=now).order_by("-began_at")
    ends: dict[str, datetime] = {}
    for network, ends_at in rows.values_list("network", "ends_at")[:MOST_FOLLOWED]:
        ends[network] = max(ends_at, ends.get(network, ends_at))
    _state.ends = ends


def find(address: str | None, *, now: datetime) -> str | None:
    """Return the tightened network of a client's address, without a query; ``None`` if it is not in one."""
    if not _state.ends or not address:
        return None
    networks = enclosing_networks(normalise(address))
    network = networks[-1] if ":" in networks[0] else networks[min(1, len(networks) - 1)]
    ends_at = _state.ends.get(network)
    return network if ends_at is not None and ends_at > now else None


def forget() -> None:
    """Forget what was read from the database. For tests."""
    _state.ends = {}


def counted_network(text: str) -> str | None:
    """Return the public /24 or /48 of a range or an address; ``None`` if there is none."""
    address, _slash, prefix = text.partition("/")
    try:
        found = ip_address(address)
        given = ip_network(text, strict=False)
    except ValueError:
        return None
    narrowest = _NARROWEST[found.version]
    if (prefix and given.prefixlen < narrowest) or not is_public(str(found)):
        return None
    return str(ip_network((found, narrowest), strict=False))


def _notify() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, "networks"])
