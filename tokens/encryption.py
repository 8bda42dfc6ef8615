"""Encryption of single values under the keys of this app's settings."""

from cedrina_base import encryption
from cedrina_base.encryption import DecryptionFailed
from tokens.conf import token_settings

__all__ = ["DecryptionFailed", "decrypt", "encrypt"]


def encrypt(plaintext: str, *, associated_data: str) -> str:
    """Encrypt under the first configured key. Decryption needs the same ``associated_data``."""
    return encryption.encrypt(plaintext, keys=token_settings.FIELD_ENCRYPTION_KEYS, associated_data=associated_data)


def decrypt(stored: str, *, associated_data: str) -> str:
    """Decrypt with the configured key that the value names.

    Raises: DecryptionFailed.
    """
    return encryption.decrypt(stored, keys=token_settings.FIELD_ENCRYPTION_KEYS, associated_data=associated_data)
