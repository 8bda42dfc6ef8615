"""Model fields of this app."""

from cedrina_base.encrypted_fields import EncryptedField
from cedrina_base.encryption import Keys
from security_events.conf import security_event_settings


class EncryptedSecretField(EncryptedField):
    """A secret, encrypted under ``SECURITY_EVENTS["FIELD_ENCRYPTION_KEYS"]``."""

    def encryption_keys(self) -> Keys:
        return security_event_settings.FIELD_ENCRYPTION_KEYS
