"""The base of model fields whose values are stored encrypted."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from cedrina_base import encryption
from cedrina_base.encryption import Keys

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:
    _Text = models.TextField


class Ciphertext(str):
    """A value as the database stores it."""

    __slots__ = ()


class _DecryptedOnRead(DeferredAttribute):
    """Decrypts when the attribute is read, because from_db_value does not know the row's primary key."""

    field: "EncryptedField"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext):
            value = self.field.decrypt(value, instance)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        # Only with a setter does Python call the descriptor's __get__ although the instance has the attribute.
        instance.__dict__[self.field.attname] = value


class EncryptedField(_Text):
    """Text encrypted with AES-256-GCM. Its table, column and primary key are authenticated with it.

    So a value that was copied to another row can't be decrypted. The primary key must be known before the row is saved.
    Lookups, and ``update()`` with plain text, raise TypeError. A subclass says where its keys are.
    """

    descriptor_class = _DecryptedOnRead

    def encryption_keys(self) -> Keys:
        """Return the keys by their ids; the first one encrypts."""
        raise NotImplementedError(type(self).__name__)

    def encrypt(self, plaintext: str, instance: models.Model) -> Ciphertext:
        """Return a value of a row as the database stores it."""
        data = self.associated_data(instance)
        return Ciphertext(encryption.encrypt(plaintext, keys=self.encryption_keys(), associated_data=data))

    def decrypt(self, stored: str, instance: models.Model) -> str:
        """Return a value of a row in plain text.

        Raises: DecryptionFailed.
        """
        data = self.associated_data(instance)
        return encryption.decrypt(stored, keys=self.encryption_keys(), associated_data=data)

    def associated_data(self, instance: models.Model) -> str:
        """Return the data that is authenticated with the value of a row."""
        return f"{self.model._meta.db_table}.{self.column}:{instance.pk}"

    def from_db_value(self, value: str | None, *_args: Any) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        stored = model_instance.__dict__.get(self.attname)
        if stored is None or isinstance(stored, Ciphertext):
            return stored
        if model_instance.pk is None:
            raise ValueError("An encrypted column needs a primary key that is known before the row is saved.")
        return self.encrypt(stored, model_instance)

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and not isinstance(value, Ciphertext):
            raise TypeError(f"{self.name} is encrypted: save the instance instead of filtering by it or updating it.")
        return None if value is None else str(value)
