"""A model field whose values are stored encrypted under the keys of this app's settings."""

from cedrina_base.encrypted_fields import EncryptedField
from cedrina_base.encryption import Keys
from tokens.conf import token_settings


class EncryptedTextField(EncryptedField):
    """Text encrypted under ``FIELD_ENCRYPTION_KEYS``."""

    def encryption_keys(self) -> Keys:
        return token_settings.FIELD_ENCRYPTION_KEYS
