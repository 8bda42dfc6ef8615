"""What statements ask about the signing keys, so that a change of keys counts at once in every process.

A process keeps parsed keys for a minute. The statements that authenticate, sign in and refresh go to the database
anyway: as part of them it says whether a token's key is still published, and which key signs. So an emergency rotation
takes effect with the next statement of each process, and costs no statement of its own.
"""

_SIGNING_KID = """(
    SELECT k.kid FROM tokens_signingkey k
    WHERE (k.retired_at IS NULL OR k.retired_at > {now}) AND (k.expires_at IS NULL OR k.expires_at > {now})
    ORDER BY k.activated_at <= {now} DESC, CASE WHEN k.activated_at <= {now} THEN k.activated_at END DESC,
             k.activated_at
    LIMIT 1)"""

_IS_PUBLISHED = """EXISTS (
    SELECT FROM tokens_signingkey k WHERE k.kid = %(kid)s AND (k.expires_at IS NULL OR k.expires_at > {now}))"""


def signing_kid(*, now: str) -> str:
    """Return the SQL for the id of the key that signs: the one activated last, NULL where there is none.

    ``now`` is SQL, too. Should the clocks disagree so much that no key is active yet, the oldest serves.
    """
    return _SIGNING_KID.format(now=now)


def is_published(*, now: str) -> str:
    """Return the SQL for whether the key of the parameter ``kid`` is published still."""
    return _IS_PUBLISHED.format(now=now)
