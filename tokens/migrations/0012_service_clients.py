"""Service clients with their secrets, and what they have used up."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import cedrina_base.uuids


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0011_index_of_open_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="RevokedServiceToken",
            fields=[
                ("jti", models.UUIDField(primary_key=True, serialize=False)),
                ("client_id", models.UUIDField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="ServiceClient",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=cedrina_base.uuids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                        verbose_name="client id",
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                ("description", models.CharField(blank=True, max_length=500, verbose_name="description")),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None, verbose_name="scopes"
                    ),
                ),
                (
                    "authentication_method",
                    models.CharField(
                        choices=[
                            ("client_secret", "a secret (client_secret_basic, client_secret_post)"),
                            ("private_key_jwt", "a signature with its own key (private_key_jwt)"),
                        ],
                        default="client_secret",
                        max_length=16,
                        verbose_name="authentication method",
                    ),
                ),
                ("jwks", models.JSONField(blank=True, null=True, verbose_name="public keys (JWKS)")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("token_generation", models.PositiveIntegerField(default=1, editable=False)),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("updated_at", models.DateTimeField(verbose_name="changed at")),
                ("last_used_at", models.DateTimeField(blank=True, null=True, verbose_name="last used at")),
                ("created_by", models.CharField(blank=True, max_length=64, verbose_name="created by")),
            ],
            options={
                "verbose_name": "service client",
                "verbose_name_plural": "service clients",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("authentication_method", "client_secret"), ("jwks__isnull", True)),
                            models.Q(("authentication_method", "private_key_jwt"), ("jwks__isnull", False)),
                            _connector="OR",
                        ),
                        name="tokens_service_client_has_its_keys",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ServiceClientSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="accepted until")),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="tokens.serviceclient"
                    ),
                ),
            ],
            options={
                "verbose_name": "secret of a service client",
                "verbose_name_plural": "secrets of service clients",
            },
        ),
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("client_id", models.UUIDField()),
                ("digest", models.BinaryField(max_length=32)),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["client_id", "expires_at"], name="tokens_assertion_client_idx"),
                    models.Index(fields=["expires_at"], name="tokens_assertion_expiry_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("client_id", "digest"), name="tokens_assertion_is_used_once")
                ],
            },
        ),
    ]
