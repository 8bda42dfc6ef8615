"""Requests know the risk of their session's sign-in, and the roles of their service client, without a further query."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0015_websocket_tickets"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="sign_in_risk",
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="risk of the sign-in"),
        ),
        migrations.AddField(
            model_name="serviceclient",
            name="role_grants",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
    ]
