"""Authentication method references that second factors add to a session (RFC 8176, 2)."""

from tokens.models import MULTI_FACTOR

ONE_TIME_CODE = "otp"
HARDWARE_KEY = "hwk"
SOFTWARE_KEY = "swk"
USER_PRESENCE = "user"

OF_CODES = (ONE_TIME_CODE, MULTI_FACTOR)


def of_signature(*, is_backup_eligible: bool) -> list[str]:
    """Return the methods that a signature proves. A key that may be synchronised is no hardware key."""
    return [SOFTWARE_KEY if is_backup_eligible else HARDWARE_KEY, USER_PRESENCE, MULTI_FACTOR]
