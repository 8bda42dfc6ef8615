"""The demand for a new password, and the links and the budget of mails that operators cause."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_indexes_of_user_lists"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="mailedtoken",
            name="accounts_token_purpose",
        ),
        migrations.AddField(
            model_name="user",
            name="is_password_reset_required",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="new password required"
            ),
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
                    ("invitation", "choose the first password"),
                ],
                max_length=20,
                verbose_name="purpose",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="budget",
            field=models.CharField(
                choices=[
                    ("anybody", "anybody can cause it"),
                    ("known_device", "asked for on a known device"),
                    ("notice", "tells of a change"),
                    ("operator", "caused by an operator"),
                ],
                db_default="notice",
                max_length=12,
                verbose_name="budget",
            ),
        ),
        migrations.AddConstraint(
            model_name="mailedtoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["confirm_email", "reset_password", "change_email", "disown", "invitation"])
                ),
                name="accounts_token_purpose",
            ),
        ),
    ]
