"""What this app tells those above it. It knows nobody who listens."""

from django.dispatch import Signal

# The shared store stopped answering, and this process counts alone. Once for each time; argument: `reason`.
store_failed = Signal()
# It answers again.
store_recovered = Signal()
# Somebody was refused: policy, key, parts (masked), refusals, facts of the first one, now. One for a key and window.
refused = Signal()
# Policies were changed, in the same transaction: number, change, policy, before, after, author, reason, now.
policy_changed = Signal()
# A shadow policy's hour is over: policy, began_at, refused, keys, samples, now.
shadow_reported = Signal()
# An operator's mistake was noticed: `mistake` (a Mistake), `address`, `data`, `now`.
misconfiguration_detected = Signal()
# Somebody seems to evade limits: `evasion` (an Evasion), `score` from 0 to 100, `reasons`, `data`, `now`.
evasion_detected = Signal()
