import django.db.models.functions.text
from django.db import migrations, models

import cedrina_base.uuids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_addresses_by_one_rule"),
    ]

    operations = [
        migrations.CreateModel(
            name="PendingRegistration",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=cedrina_base.uuids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                        verbose_name="id",
                    ),
                ),
                ("username", models.CharField(max_length=50, verbose_name="username")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("email_folded", models.CharField(editable=False, max_length=254)),
                ("password", models.CharField(max_length=255, verbose_name="password")),
                ("full_name", models.CharField(blank=True, max_length=150, verbose_name="full name")),
                ("locale", models.CharField(default="en", max_length=10, verbose_name="language")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
            ],
            options={
                "verbose_name": "pending registration",
                "verbose_name_plural": "pending registrations",
                "indexes": [
                    models.Index(fields=["email_folded", "-created_at"], name="accounts_pending_address_idx"),
                    models.Index(fields=["expires_at"], name="accounts_pending_expiry_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("username"), name="accounts_pending_username_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("username__regex", "^[A-Za-z0-9_-]{3,50}$")),
                        name="accounts_pending_username_shape",
                    ),
                ],
            },
        ),
    ]
