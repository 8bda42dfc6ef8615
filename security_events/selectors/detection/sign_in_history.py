"""What the risk of a sign-in is computed from, in two statements."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cedrina_base.prepared_statements import prepared_cursor
from security_events.detection.client_records import client_from
from security_events.detection.commonness import StoredCounts, digests_of
from security_events.detection.sign_ins import ClientFacts, PastSignIn

KEPT = timedelta(days=180)  # how long the client of a sign-in is remembered
DISTRUSTED = timedelta(days=7)  # how long a suspect sign-in teaches nothing, unless somebody objects to it
RECENT = timedelta(minutes=180)  # how long an attack on the account or from the network counts
_MOST_SIGN_INS = 50
_MOST_READ = 200
_MOST_ATTACKS = 10
_NEWEST, _NEWEST_SIGN_INS = timedelta(days=7), 20

# Many sign-ins a day by one client count once: a thief must not replace the owner's history by signing in again and
# again. What an operator has judged as no attack does not count.
_HISTORY = """
WITH newest AS (
    SELECT at, network, program, client FROM security_events_detectionfact
    WHERE account = %(account)s AND client IS NOT NULL AND at > %(kept_since)s
      AND (client->'suspect' IS NULL OR at < %(trusted_until)s)
    ORDER BY at DESC LIMIT %(most_read)s
), by_day AS (
    SELECT DISTINCT ON (date_trunc('day', at), network, program) at, client FROM newest
    ORDER BY date_trunc('day', at) DESC, network, program, at DESC
    LIMIT %(most)s
)
SELECT
    (SELECT COALESCE(max(number), 0) FROM security_events_ruleversion) AS newest_rule_version,
    (SELECT count(*) FROM (
        SELECT FROM security_events_incident
        WHERE subject = %(account)s AND rule = ANY(%(account_rules)s) AND updated_at > %(attacked_since)s
          AND verdict NOT IN ('false_positive', 'benign')
        LIMIT %(most_attacks)s) AS attacks) AS account_attacks,
    (SELECT count(*) FROM (
        SELECT FROM security_events_incident
        WHERE network = %(network)s AND network <> '' AND rule = ANY(%(network_rules)s)
          AND updated_at > %(attacked_since)s AND verdict NOT IN ('false_positive', 'benign')
        LIMIT %(most_attacks)s) AS attacks) AS network_attacks,
    (SELECT jsonb_agg(jsonb_build_array(EXTRACT(EPOCH FROM at), client - 'risk' - 'suspect') ORDER BY at)
     FROM by_day)::text AS sign_ins
"""
_NEWEST_RISKS = """
SELECT wanted.account, max(newest.risk) FROM unnest(%(accounts)s::text[]) AS wanted (account) CROSS JOIN LATERAL (
    SELECT (client->>'risk')::int AS risk FROM security_events_detectionfact
    WHERE account = wanted.account AND client IS NOT NULL AND at > %(since)s
    ORDER BY at DESC LIMIT %(most)s
) AS newest
WHERE newest.risk IS NOT NULL GROUP BY wanted.account
"""
_COUNTS = 'SELECT path, sign_ins, "distinct" FROM security_events_clientcount WHERE path = ANY(%(paths)s)'


@dataclass(frozen=True, slots=True)
class SignInHistory:
    """The last sign-ins of an account, the oldest first, and the incidents of late about it and about a network."""

    sign_ins: Sequence[PastSignIn]
    account_attacks: int
    network_attacks: int
    newest_rule_version: int


def history_of(
    *, account: str, network: str, account_rules: Sequence[str], network_rules: Sequence[str], now: datetime
) -> SignInHistory:
    """Return what is stored about earlier sign-ins, and incidents of these rules, in one statement."""
    with prepared_cursor() as cursor:
        cursor.execute(
            _HISTORY,
            {
                "account": account,
                "network": network,
                "account_rules": list(account_rules),
                "network_rules": list(network_rules),
                "kept_since": now - KEPT,
                "trusted_until": now - DISTRUSTED,
                "attacked_since": now - RECENT,
                "most_read": _MOST_READ,
                "most": _MOST_SIGN_INS,
                "most_attacks": _MOST_ATTACKS,
            },
        )
        newest, account_attacks, network_attacks, sign_ins = cursor.fetchone()
    return SignInHistory(_past(json.loads(sign_ins or "[]")), account_attacks, network_attacks, newest)


def _past(rows: Sequence[tuple[float, Mapping[str, Any]]]) -> list[PastSignIn]:
    """Return the sign-ins of rows. Most people have few clients, so each is made once."""
    clients: dict[tuple[tuple[str, Any], ...], ClientFacts] = {}
    past = []
    for at, record in rows:
        key = tuple(record.items())
        if key not in clients:
            clients[key] = client_from(record)
        past.append(PastSignIn(float(at), clients[key]))
    return past


def commonness_of(client: ClientFacts) -> StoredCounts:
    """Return how common the values of one client are, in one statement."""
    digests = digests_of(client)
    with prepared_cursor() as cursor:
        cursor.execute(_COUNTS, {"paths": list(digests)})
        return StoredCounts(digests, cursor.fetchall())


def newest_risks(accounts: Collection[str], *, now: datetime) -> dict[str, int]:
    """Return the highest risk of each account's newest sign-ins: of the last 20, and of a week at most.

    Accounts that have not signed in since are left out. A risky sign-in is not hidden by an ordinary one after it.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_NEWEST_RISKS, {"accounts": list(accounts), "since": now - _NEWEST, "most": _NEWEST_SIGN_INS})
        return dict(cursor.fetchall())
