"""What this app announces, in the transaction that makes it true."""

from django.dispatch import Signal

# A refresh token was used twice and its family ended. Arguments: user_id, session_id, family_id.
family_compromised = Signal()

# A refresh token was presented again by another kind of client in another network, and answered as a lost reply.
# Arguments: user_id, session_id, family_id, client, now.
repeated_elsewhere = Signal()
