"""Tickets for WebSockets."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0014_proofs_that_findings_ask_for"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebSocketTicket",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("session_id", models.UUIDField()),
                ("family_id", models.UUIDField()),
                ("generation", models.PositiveBigIntegerField()),
                ("jti", models.CharField(max_length=64)),
                ("kid", models.CharField(max_length=64)),
                ("token_issued_at", models.DateTimeField()),
                ("token_expires_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["session_id", "expires_at"], name="tokens_ticket_of_session_idx"),
                    models.Index(fields=["expires_at"], name="tokens_ticket_expiry_idx"),
                ],
            },
        ),
    ]
