"""What is counted of accounts and sign-ins. A backend keeps the figures (``cedrina_base.measures``)."""

from cedrina_base.measures import Counter, Gauge, Histogram

SUCCEEDED, CHALLENGED, REFUSED, BLOCKED, LOCKED, BUSY = (
    "succeeded",
    "challenged",
    "refused",
    "blocked",
    "locked",
    "busy",
)
PASSWORD, SECOND_FACTOR, PASSKEY, PROVIDER = "password", "second_factor", "passkey", "provider"
SIGN_INS = Counter(
    "sign_ins_total",
    "Attempts to sign in, by outcome and by what was shown.",
    ["outcome", "factor"],
    known=[(outcome, PASSWORD) for outcome in (SUCCEEDED, CHALLENGED, REFUSED, BLOCKED, LOCKED, BUSY)],
)
REGISTRATIONS = Counter("registrations_total", "Registrations accepted, confirmed or not.")
HASHING_QUEUE = Gauge("hashing_queue_length", "Password hashes that wait for a thread.")
HASHING_SECONDS = Histogram(
    "hashing_seconds",
    "Time of a password hash with its wait, in seconds.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
SENT, DROPPED, REJECTED, FAILED = "sent", "dropped", "rejected", "failed"
MAIL = Counter(
    "mail_total",
    "Mails, by what became of an attempt to send them.",
    ["outcome"],
    known=[(outcome,) for outcome in (SENT, DROPPED, REJECTED, FAILED)],
)
