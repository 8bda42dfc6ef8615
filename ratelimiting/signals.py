"""What this app announces. It knows nobody who listens."""

from django.dispatch import Signal

# Somebody was refused: policy, key, parts (masked), refusals, facts of the first one, now. One for a key and window.
refused = Signal()
# Policies were changed, in the same transaction: number, change, policy, before, after, author_id, author, reason, now.
policy_changed = Signal()
# A shadow policy's hour is over: policy, began_at, refused, keys, samples.
shadow_reported = Signal()
