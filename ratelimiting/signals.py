"""What this app tells those above it."""

from django.dispatch import Signal

# The shared store stopped answering, and this process counts alone. Once for each time; argument: `reason`.
store_failed = Signal()
# It answers again.
store_recovered = Signal()
