"""What is counted of security events. A backend keeps the figures (``cedrina_base.measures``)."""

from cedrina_base.measures import Counter, Histogram

EVENTS = Counter("security_events_total", "Security events committed.", ["type", "severity"], most_sets=400)
# The thresholds of the risk of sign-ins lie between 30 and 90.
RISK = Histogram("risk_score", "Risk of sign-ins, 0 to 100.", buckets=(10, 20, 30, 40, 50, 60, 70, 80, 90, 100))
DELIVERIES = Counter(
    "webhook_deliveries_total",
    "Batches handed to webhooks and other sinks, by kind of sink.",
    ["sink", "outcome"],
)
