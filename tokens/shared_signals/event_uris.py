"""The types of shared signals that this transmitter sends."""

_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"  # OpenID CAEP 1.0, 3
_SSF = "https://schemas.openid.net/secevent/ssf/event-type/"  # Shared Signals Framework 1.0, 8.1.4 and 8.1.5

SESSION_REVOKED = f"{_CAEP}session-revoked"
CREDENTIAL_CHANGE = f"{_CAEP}credential-change"
ASSURANCE_LEVEL_CHANGE = f"{_CAEP}assurance-level-change"
# These two are about the stream itself, and are sent whatever a receiver has requested.
VERIFICATION = f"{_SSF}verification"
STREAM_UPDATED = f"{_SSF}stream-updated"

SUPPORTED = (SESSION_REVOKED, CREDENTIAL_CHANGE, ASSURANCE_LEVEL_CHANGE)
