"""What is counted of rate limits. A backend keeps the figures (``cedrina_base.measures``)."""

from cedrina_base.measures import Counter

ALLOWED, REFUSED, SHADOW_REFUSED = "allowed", "refused", "shadow_refused"
DECISIONS = Counter(
    "rate_limit_decisions_total",
    "Decisions about requests, by policy and outcome.",
    ["policy", "outcome"],
)
