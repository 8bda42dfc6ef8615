"""What this app announces to the apps above it. Receivers act in the transaction of the change."""

from django.dispatch import Signal

# Rules, roles or grants were changed: `version` (a PolicyVersion with `changes`), `author`, `now`.
policy_changed = Signal()
# Somebody was granted a role, or lost one: `subject`, `grants` (all that the subject has now: role -> end or None),
# `now`.
grants_changed = Signal()
