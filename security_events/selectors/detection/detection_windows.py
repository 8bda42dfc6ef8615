"""Read the windows that rules look at: the facts before a batch of events, by account, network, program or operator."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from sys import intern
from typing import Any, NamedTuple

from cedrina_base.prepared_statements import prepared_cursor
from security_events.detection.fact_window import MOST_FACTS
from security_events.detection.facts import Fact
from security_events.detection.rules import GroupBy
from security_events.geoip import Location
from security_events.selectors.trail import TrailPosition

_MARGIN = 0.001  # seconds: the database rounds to microseconds; the window itself is cut by its reader
# The newest facts of each window. Facts behind the position belong to the batch, or to a later one.
_WINDOWS = """
SELECT request.number, fact.*
FROM unnest(%(numbers)s::int[], %(keys)s::text[], %(types)s::text[], %(since)s::float8[], %(most)s::int[])
     AS request (number, key, types, since, most)
CROSS JOIN LATERAL (
    SELECT found.transaction_id, found.event_id::text, extract(epoch FROM found.at)::float8 AS at, found.type,
           found.is_success, found.account, found.actor, host(found.ip_address), found.network, found.program,
           found.is_unknown_name, found.location::text, found.is_relay, found.times, found.session_id::text,
           COALESCE(extract(epoch FROM found.since), 0)::float8, found.operator, found.is_new_client,
           found.is_password_alone, found.days_since_last, COALESCE(found.is_familiar_client, FALSE),
           COALESCE(found.generations_behind, 0), COALESCE(found.idle_seconds, 0)
    FROM security_events_detectionfact found
    WHERE found.{group} = request.key AND found.at >= to_timestamp(request.since)
      AND found.type = ANY(string_to_array(request.types, ' '))
      AND (found.transaction_id, found.event_id) <= (%(transaction_id)s, %(event_id)s::uuid)
    ORDER BY found.at DESC LIMIT request.most
) fact
"""
_STATEMENTS: Mapping[GroupBy, str] = {
    GroupBy.ACCOUNT: _WINDOWS.format(group="account"),
    GroupBy.NETWORK: _WINDOWS.format(group="network"),
    GroupBy.PROGRAM: _WINDOWS.format(group="program"),
    GroupBy.OPERATOR: _WINDOWS.format(group="operator <> '' AND found.operator"),  # its index has no empty ones
}


class WindowRequest(NamedTuple):
    """The newest ``most`` facts of some types with the same key, none before ``since`` (in seconds since 1970)."""

    group_by: GroupBy
    key: str
    types: frozenset[str]
    since: float
    most: int = MOST_FACTS


def windows(requests: Sequence[WindowRequest], *, up_to: TrailPosition) -> list[list[Fact]]:
    """Return the facts of each request in the order of the trail. It takes one statement for each ``GroupBy``."""
    found: list[list[Fact]] = [[] for _ in requests]
    by_group: dict[GroupBy, list[int]] = defaultdict(list)
    for number, request in enumerate(requests):
        by_group[request.group_by].append(number)
    for group_by, numbers in by_group.items():
        for number, rows in _read(group_by, numbers, requests, up_to).items():
            rows.sort(key=_position)
            found[number] = [_fact(row) for row in rows]
    return found


def _read(
    group_by: GroupBy, numbers: Sequence[int], requests: Sequence[WindowRequest], up_to: TrailPosition
) -> Mapping[int, list[Any]]:
    asked = [requests[number] for number in numbers]
    parameters: dict[str, Any] = {
        "numbers": list(numbers),
        "keys": [request.key for request in asked],
        "types": [" ".join(sorted(request.types)) for request in asked],
        "since": [request.since - _MARGIN for request in asked],
        "transaction_id": up_to.transaction_id,
        "event_id": up_to.event_id,
        "most": [request.most for request in asked],
    }
    rows: dict[int, list[Any]] = defaultdict(list)
    with prepared_cursor() as cursor:
        cursor.execute(_STATEMENTS[group_by], parameters)
        for number, *row in cursor.fetchall():
            rows[number].append(row)
    return rows


def _position(row: Sequence[Any]) -> tuple[int, str]:
    return row[0], row[1]


def _fact(row: Sequence[Any]) -> Fact:
    (
        _transaction_id,
        event_id,
        at,
        event_type,
        succeeded,
        account,
        actor,
        ip_address,
        network,
        program,
        is_unknown_name,
        location,
        is_relay,
        times,
        session_id,
        since,
        operator,
        is_new_client,
        is_password_alone,
        days_since_last,
        is_familiar_client,
        generations_behind,
        idle_seconds,
    ) = row
    # Many facts of a window have the same type, network or program: those that are kept share the texts.
    return Fact(
        event_id=event_id,
        at=at,
        type=intern(event_type),
        succeeded=succeeded,
        account=account,
        actor=account if actor == account else actor,
        ip_address=ip_address or "",
        network=intern(network),
        program=intern(program),
        is_unknown_name=is_unknown_name,
        location=Location(**json.loads(location)) if location else None,
        is_relay=is_relay,
        times=times,
        session_id=session_id or "",
        since=since,
        operator=operator,
        is_new_client=is_new_client,
        is_password_alone=is_password_alone,
        days_since_last=days_since_last,
        is_familiar_client=is_familiar_client,
        generations_behind=generations_behind,
        idle_seconds=idle_seconds,
    )
