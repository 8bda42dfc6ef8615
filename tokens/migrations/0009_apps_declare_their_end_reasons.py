"""Let the choices come from the reasons that apps declare (``tokens.end_reasons``). The database is not changed."""

from django.db import migrations, models

import tokens.end_reasons


class Migration(migrations.Migration):
    dependencies = [("tokens", "0008_sessions_of_the_admin")]

    operations = [
        migrations.AlterField(
            "session",
            "end_reason",
            models.CharField(
                blank=True, choices=tokens.end_reasons.choices, max_length=32, verbose_name="why it ended"
            ),
        ),
        migrations.AlterField(
            "tokenfamily",
            "revoke_reason",
            models.CharField(
                blank=True, choices=tokens.end_reasons.choices, max_length=32, verbose_name="why it was revoked"
            ),
        ),
    ]
