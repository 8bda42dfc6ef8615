"""Encrypt all encrypted columns under the first of ``FIELD_ENCRYPTION_KEYS``."""

from collections.abc import Callable, Iterator

from django.apps import apps
from django.db import connection, models

from cedrina_base.encrypted_fields import EncryptedField


def outdated() -> int:
    """Return how many values are encrypted under a key other than the first."""
    return sum(_outdated_rows(model, field).count() for model, field in _columns())


def reencrypt(*, progress: Callable[[int], None] | None = None) -> int:
    """Encrypt these values under the first key; return how many were changed.

    There is one statement for each value, and it changes only the value that was read. So this is safe to interrupt, to
    run twice and to run while the application writes. ``progress`` is called with the number done so far.

    Raises: DecryptionFailed, at the first value whose key is missing.
    """
    done = 0
    for model, field in _columns():
        for instance in _outdated_rows(model, field).only("pk", field.attname).iterator(chunk_size=500):
            done += _move(instance, field)
            if progress:
                progress(done)
    return done


def _move(instance: models.Model, field: EncryptedField) -> int:
    stored = instance.__dict__[field.attname]
    fresh = field.encrypt(getattr(instance, field.attname), instance)
    manager = type(instance)._base_manager
    unchanged = manager.filter(pk=instance.pk, **{field.name: stored})
    return unchanged.update(**{field.name: fresh})


def _outdated_rows(model: type[models.Model], field: EncryptedField) -> models.QuerySet[models.Model]:
    current = f"{field.encryption_keys()[0][0]}:"
    column = f"{connection.ops.quote_name(model._meta.db_table)}.{connection.ops.quote_name(str(field.column))}"
    # With extra(), because the field refuses lookups.
    return model._base_manager.extra(where=[f"NOT starts_with({column}, %s)"], params=[current])  # noqa: S610


def _columns() -> Iterator[tuple[type[models.Model], EncryptedField]]:
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedField):
                yield model, field
