"""What this app announces, after the commit that made it true."""

from django.dispatch import Signal

# A refresh token was used twice and its family ended. Arguments: user_id, session_id, family_id.
family_compromised = Signal()
