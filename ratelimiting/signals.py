"""What this app announces to the apps above it."""

from django.dispatch import Signal

# The shared store stopped answering, and this process counts alone. Sent once per outage and process; `reason`.
store_failed = Signal()
# The shared store answers again.
store_recovered = Signal()
# Requests were refused. Sent once per key and window: `policy`, `key`, `parts` (masked), `refusals` (how many),
# `attributes` (RequestAttributes of the first one), `now`.
refused = Signal()
# Policies were changed, in the same transaction: `number`, `change`, `policy`, `before`, `after`, `author`, `reason`,
# `now`.
policy_changed = Signal()
# The hour of a policy in shadow mode is over: `policy`, `began_at`, `refused`, `keys`, `samples`, `now`.
shadow_reported = Signal()
# Trusted proxies seem to be misconfigured: `misconfiguration` (a ProxyMisconfiguration), `address`, `data`, `now`.
misconfiguration_detected = Signal()
# Somebody seems to evade limits: `pattern` (an EvasionPattern), `score` from 0 to 100, `reasons`, `data`, `now`.
evasion_detected = Signal()
