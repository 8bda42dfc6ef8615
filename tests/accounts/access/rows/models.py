"""Models of a project that are in no migration: made for a test, in an app registry of their own."""

from django.db import models
from django.test.utils import isolate_apps

with isolate_apps("accounts.access"):

    class Folder(models.Model):
        """A folder, of a department or of none."""

        department = models.CharField(max_length=50, null=True)  # noqa: DJ001 - NULL is to be told from empty

        class Meta:
            app_label = "access"

        def __str__(self):
            return str(self.pk)

    class Paper(models.Model):
        """A paper with columns of all types that can be translated."""

        folder = models.ForeignKey(Folder, models.CASCADE, null=True)
        key = models.UUIDField(null=True)
        owner = models.IntegerField(null=True)
        title = models.CharField(max_length=50, null=True)  # noqa: DJ001
        status = models.TextField(default="")
        pages = models.IntegerField(null=True)
        weight = models.FloatField(null=True)
        is_public = models.BooleanField(null=True)
        cost = models.DecimalField(max_digits=5, decimal_places=2, default=0)
        tags = models.JSONField(default=list)

        class Meta:
            app_label = "access"

        def __str__(self):
            return str(self.pk)


def facts_of(user, _at):
    """The user of a test is what access control knows of it."""
    return user
