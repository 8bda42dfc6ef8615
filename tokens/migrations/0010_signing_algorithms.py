"""Signing keys are for RS256, ES256 or EdDSA."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tokens", "0009_apps_declare_their_end_reasons")]

    operations = [
        migrations.AlterField(
            model_name="signingkey",
            name="algorithm",
            field=models.CharField(
                choices=[("RS256", "RS256"), ("ES256", "ES256"), ("EdDSA", "EdDSA")],
                default="RS256",
                max_length=8,
                verbose_name="algorithm",
            ),
        ),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.CheckConstraint(
                condition=models.Q(algorithm__in=["RS256", "ES256", "EdDSA"]),
                name="tokens_signing_key_algorithm_is_known",
            ),
        ),
    ]
