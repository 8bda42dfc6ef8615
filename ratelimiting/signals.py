"""What this app announces. It knows nobody who listens."""

from django.dispatch import Signal

# An operator's mistake was noticed: `mistake` (a Mistake), `address`, `data`, `now`.
mistake_noticed = Signal()
# Somebody seems to evade limits: `evasion` (an Evasion), `score` from 0 to 100, `reasons`, `data`, `now`.
evasion_noticed = Signal()
