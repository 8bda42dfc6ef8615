"""Imports from other systems: the position of each run, and the ids of the imported users there."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from cedrina_base.uuids import uuid7


class ImportRun(models.Model):
    """The position and the counts of the import of one file. They change with the users in one transaction.

    The file is identified by its digest, not by its name.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    source = models.CharField(_("source"), max_length=64)
    format = models.CharField(_("format"), max_length=32)
    offset = models.PositiveBigIntegerField(_("bytes done"), default=0)
    line = models.PositiveBigIntegerField(_("last line done"), default=0)
    read = models.PositiveBigIntegerField(_("rows read"), default=0)
    imported = models.PositiveBigIntegerField(_("people imported"), default=0)
    already = models.PositiveBigIntegerField(_("people there already"), default=0)
    wrapped = models.PositiveBigIntegerField(_("weak hashes wrapped"), default=0)
    refused = models.JSONField(_("rows refused"), default=dict)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [models.UniqueConstraint(fields=["digest", "source", "format"], name="accounts_import_file_key")]

    def __str__(self) -> str:
        return str(self.pk)


class ImportedPerson(models.Model):
    """The id of a user in another system, by which a later import recognises the user."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"))
    source = models.CharField(_("source"), max_length=64)
    external_id = models.CharField(_("id there"), max_length=255)
    imported_at = models.DateTimeField(_("imported at"))

    class Meta:
        verbose_name = _("imported person")
        verbose_name_plural = _("imported people")
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="accounts_imported_person_key")]

    def __str__(self) -> str:
        return str(self.pk)
