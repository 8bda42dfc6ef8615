"""A model field whose values are stored encrypted."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from tokens import encryption

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:
    _Text = models.TextField


class Ciphertext(str):
    """A value as the database stores it."""

    __slots__ = ()


class _DecryptedOnRead(DeferredAttribute):
    """Decrypts when the attribute is read, because from_db_value does not know the row's primary key."""

    field: "EncryptedTextField"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext):
            value = encryption.decrypt(value, associated_data=self.field.associated_data(instance))
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        # Only with a setter does Python call the descriptor's __get__ although the instance has the attribute.
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(_Text):
    """Text encrypted with AES-256-GCM. Its table, column and primary key are authenticated with it.

    So a value that was copied to another row can't be decrypted. The primary key must be known before the row is saved.
    Lookups, and ``update()`` with plain text, raise TypeError.
    """

    descriptor_class = _DecryptedOnRead

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
        return Ciphertext(encryption.encrypt(stored, associated_data=self.associated_data(model_instance)))

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and not isinstance(value, Ciphertext):
            raise TypeError(f"{self.name} is encrypted: save the instance instead of filtering by it or updating it.")
        return None if value is None else str(value)
