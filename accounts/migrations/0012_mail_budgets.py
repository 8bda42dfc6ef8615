from django.db import migrations, models

# Only what a worker takes up in the next day counts, so that the former rows need no exact form of their address.
FILL = """
UPDATE accounts_outgoingmail SET recipient = lower(address), budget = CASE
    WHEN kind IN ('confirm_email', 'confirm_new_email', 'reset_password', 'address_already_registered') THEN 'anybody'
    ELSE 'notice' END
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_rejected_passwords_and_guessed_factors"),
    ]

    operations = [
        migrations.AddField(
            model_name="outgoingmail",
            name="budget",
            field=models.CharField(
                choices=[
                    ("anybody", "anybody can cause it"),
                    ("known_device", "asked for on a known device"),
                    ("notice", "tells of a change"),
                ],
                db_default="notice",
                max_length=12,
                verbose_name="budget",
            ),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="recipient",
            field=models.CharField(db_default="", max_length=254, verbose_name="recipient"),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="outgoingmail", name="accounts_mail_recent_idx"),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(fields=["recipient", "-started_at"], name="accounts_mail_budget_idx"),
        ),
    ]
