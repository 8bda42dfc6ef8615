"""AES-256-GCM for encrypted columns.

``keys`` are those of a setting: pairs of an id and 32 bytes. The first one encrypts, all decrypt.
"""

import base64
import binascii
import os
from collections.abc import Sequence

from django.utils.translation import gettext, gettext_noop

_NONCE_LENGTH = 12  # 96 bits, NIST SP 800-38D, 8.2.2

Keys = Sequence[tuple[str, bytes]]


class DecryptionFailed(Exception):
    """A stored value can't be decrypted: its key is not configured, or it was changed or copied elsewhere."""

    def __init__(self, words: str, **named: object) -> None:
        super().__init__(words % named)  # a log is in English
        self._words, self._named = words, named

    def sentence(self) -> str:
        """Return the reason in the current language."""
        return gettext(self._words) % self._named


def encrypt(plaintext: str, *, keys: Keys, associated_data: str) -> str:
    """Encrypt under the first key. Decryption needs the same ``associated_data``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, key = keys[0]
    nonce = os.urandom(_NONCE_LENGTH)
    sealed = AESGCM(key).encrypt(nonce, plaintext.encode(), associated_data.encode())
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str, *, keys: Keys, associated_data: str) -> str:
    """Decrypt with the key that the value names.

    Raises: DecryptionFailed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, _, encoded = stored.partition(":")
    key = dict(keys).get(key_id)
    if key is None:
        raise DecryptionFailed(gettext_noop("FIELD_ENCRYPTION_KEYS has no key %(key_id)r."), key_id=key_id)
    try:
        raw = base64.b64decode(encoded, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_LENGTH], raw[_NONCE_LENGTH:], associated_data.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        words = gettext_noop("The value was changed or moved: %(place)s.")
        raise DecryptionFailed(words, place=associated_data) from error
