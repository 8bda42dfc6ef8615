import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import cedrina_base.uuids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0016_operator_actions"),
    ]

    operations = [
        migrations.CreateModel(
            name="SecondFactorReset",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=cedrina_base.uuids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("requested_by", models.UUIDField(blank=True, null=True, verbose_name="requested by")),
                ("notice_id", models.UUIDField(editable=False)),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                ("wait", models.DurationField(verbose_name="waiting time")),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("carried_out", "second factors were removed"),
                            ("stopped", "stopped by the link of the mail"),
                            ("factor_shown", "a second factor was used"),
                            ("factors_changed", "the second factors were changed"),
                            ("withdrawn", "withdrawn by an operator"),
                            ("not_notified", "the mail could not be delivered"),
                            ("account_closed", "the account was closed"),
                            ("not_allowed", "the operator may not do this any more"),
                        ],
                        max_length=16,
                        verbose_name="outcome",
                    ),
                ),
            ],
            options={
                "verbose_name": "reset of second factors",
                "verbose_name_plural": "resets of second factors",
            },
        ),
        migrations.RemoveConstraint(
            model_name="mailedtoken",
            name="accounts_token_purpose",
        ),
        migrations.AlterField(
            model_name="mailedtoken",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("confirm_email", "confirm the address"),
                    ("reset_password", "set a new password"),
                    ("change_email", "confirm a new address"),
                    ("disown", "report a takeover"),
                    ("stop_reset", "stop a reset of second factors"),
                    ("invitation", "choose the first password"),
                ],
                max_length=20,
                verbose_name="purpose",
            ),
        ),
        migrations.AddConstraint(
            model_name="mailedtoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "purpose__in",
                        ["confirm_email", "reset_password", "change_email", "disown", "stop_reset", "invitation"],
                    )
                ),
                name="accounts_token_purpose",
            ),
        ),
        migrations.AddField(
            model_name="secondfactorreset",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AddIndex(
            model_name="secondfactorreset",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)), fields=["due_at"], name="accounts_factorreset_due_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="secondfactorreset",
            index=models.Index(fields=["user", "-requested_at"], name="accounts_factorreset_user_idx"),
        ),
        migrations.AddConstraint(
            model_name="secondfactorreset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)), fields=("user",), name="accounts_factorreset_one_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="secondfactorreset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at__isnull", True), models.Q(("outcome", ""), _negated=True), _connector="XOR"
                ),
                name="accounts_factorreset_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="secondfactorreset",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_at__gt", models.F("requested_at"))), name="accounts_factorreset_waits"
            ),
        ),
    ]
