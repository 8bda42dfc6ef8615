"""AES-256-GCM for encrypted columns."""

import base64
import binascii
import os

from django.utils.translation import gettext, gettext_noop

from tokens.conf import token_settings

_NONCE_LENGTH = 12  # 96 bits, NIST SP 800-38D, 8.2.2


class DecryptionFailed(Exception):
    """A stored value can't be decrypted: its key is not configured, or it was changed or copied elsewhere."""

    def __init__(self, words: str, **named: object) -> None:
        super().__init__(words % named)  # a log is in English
        self._words, self._named = words, named

    def sentence(self) -> str:
        """Return the reason in the current language."""
        return gettext(self._words) % self._named


def encrypt(plaintext: str, *, associated_data: str) -> str:
    """Encrypt under the first configured key. Decryption needs the same ``associated_data``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, key = token_settings.FIELD_ENCRYPTION_KEYS[0]
    nonce = os.urandom(_NONCE_LENGTH)
    sealed = AESGCM(key).encrypt(nonce, plaintext.encode(), associated_data.encode())
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str, *, associated_data: str) -> str:
    """Decrypt with the configured key that the value names.

    Raises: DecryptionFailed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, _, encoded = stored.partition(":")
    key = dict(token_settings.FIELD_ENCRYPTION_KEYS).get(key_id)
    if key is None:
        raise DecryptionFailed(gettext_noop("FIELD_ENCRYPTION_KEYS has no key %(key_id)r."), key_id=key_id)
    try:
        raw = base64.b64decode(encoded, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_LENGTH], raw[_NONCE_LENGTH:], associated_data.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        words = gettext_noop("The value was changed or moved: %(place)s.")
        raise DecryptionFailed(words, place=associated_data) from error


def is_current(stored: str) -> bool:
    """Return whether a value is encrypted under the first configured key."""
    return stored.startswith(f"{token_settings.FIELD_ENCRYPTION_KEYS[0][0]}:")
