"""What is counted of tokens. A backend keeps the figures (``cedrina_base.measures``)."""

from cedrina_base.measures import Counter

ROTATED, REPEATED, REUSED, REVOKED, EXPIRED, INVALID = (
    "rotated",
    "repeated",
    "reused",
    "revoked",
    "expired",
    "invalid",
)
REFRESHES = Counter(
    "refreshes_total",
    "Refresh tokens presented, by what became of them.",
    ["verdict"],
    known=[(verdict,) for verdict in (ROTATED, REPEATED, REUSED, REVOKED, EXPIRED, INVALID)],
)
