"""Streams of shared signals, and keys that sign security event tokens only."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tokens.fields


class Migration(migrations.Migration):
    dependencies = [
        ("security_events", "0009_sinks_and_webhooks"),
        ("tokens", "0012_service_clients"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="signingkey",
            name="signs_access_tokens",
            field=models.BooleanField(db_default=True, default=True, verbose_name="signs access tokens"),
        ),
        migrations.CreateModel(
            name="SignalStream",
            fields=[
                (
                    "sink",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="security_events.sink",
                        verbose_name="sink",
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=500, verbose_name="description")),
                (
                    "delivery_method",
                    models.CharField(
                        choices=[("urn:ietf:rfc:8935", "push (RFC 8935)"), ("urn:ietf:rfc:8936", "poll (RFC 8936)")],
                        max_length=24,
                        verbose_name="delivery",
                    ),
                ),
                ("endpoint_url", models.CharField(blank=True, max_length=2000, verbose_name="address of the receiver")),
                ("authorization_header", tokens.fields.EncryptedTextField()),
                (
                    "events_requested",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=255), size=None, verbose_name="requested events"
                    ),
                ),
                (
                    "user_format",
                    models.CharField(
                        choices=[("iss_sub", "issuer and id"), ("email", "e-mail address")],
                        default="iss_sub",
                        max_length=8,
                        verbose_name="people are named by",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("enabled", "enabled"),
                            ("paused", "paused"),
                            ("disabled", "disabled"),
                        ],
                        default="enabled",
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("status_reason", models.CharField(blank=True, max_length=255, verbose_name="why")),
                ("is_held", models.BooleanField(default=False, verbose_name="held by an operator")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("updated_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "verified_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="verification last requested at"),
                ),
                ("refusals", models.PositiveBigIntegerField(default=0, verbose_name="refused by the receiver")),
                ("last_refusal", models.CharField(blank=True, max_length=200, verbose_name="last refusal")),
                ("last_refusal_at", models.DateTimeField(blank=True, null=True, verbose_name="last refused at")),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="signal_streams",
                        to="tokens.serviceclient",
                        verbose_name="service client",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "signal stream",
                "verbose_name_plural": "signal streams",
            },
        ),
        migrations.CreateModel(
            name="PendingSignal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("jti", models.CharField(max_length=128)),
                ("user_id", models.CharField(blank=True, max_length=64)),
                ("session_id", models.CharField(blank=True, max_length=64)),
                ("transaction_identifier", models.CharField(blank=True, max_length=64)),
                ("events", models.JSONField()),
                ("is_status_change", models.BooleanField(default=False)),
                ("issued_at", models.DateTimeField()),
                (
                    "stream",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pending_signals",
                        to="tokens.signalstream",
                    ),
                ),
            ],
            options={
                "verbose_name": "undelivered signal",
                "verbose_name_plural": "undelivered signals",
            },
        ),
        migrations.CreateModel(
            name="ExcludedSubject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.CharField(max_length=64)),
                ("session_id", models.CharField(blank=True, max_length=64)),
                (
                    "stream",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="excluded_subjects",
                        to="tokens.signalstream",
                    ),
                ),
            ],
            options={
                "verbose_name": "subject left out of a stream",
                "verbose_name_plural": "subjects left out of streams",
            },
        ),
        migrations.AddConstraint(
            model_name="signalstream",
            constraint=models.CheckConstraint(
                condition=models.Q(("client__isnull", True), ("user__isnull", True), _connector="XOR"),
                name="tokens_signal_stream_has_one_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="signalstream",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("delivery_method", "urn:ietf:rfc:8936"), ("endpoint_url", "")),
                    models.Q(("delivery_method", "urn:ietf:rfc:8935"), models.Q(("endpoint_url", ""), _negated=True)),
                    _connector="OR",
                ),
                name="tokens_signal_stream_push_has_address",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingsignal",
            index=models.Index(fields=["stream", "id"], name="tokens_pending_in_order_idx"),
        ),
        migrations.AddConstraint(
            model_name="pendingsignal",
            constraint=models.UniqueConstraint(fields=("stream", "jti"), name="tokens_pending_signal_is_stored_once"),
        ),
        migrations.AddConstraint(
            model_name="excludedsubject",
            constraint=models.UniqueConstraint(
                fields=("stream", "user_id", "session_id"), name="tokens_excluded_subject_is_stored_once"
            ),
        ),
    ]
