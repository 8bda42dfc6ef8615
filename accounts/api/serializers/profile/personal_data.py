"""The requests and responses of the export, the activity list and the deletion of an account."""

from rest_framework import serializers

from cedrina_base.strict_serializers import StrictCharField, StrictSerializer


class DeletionInput(StrictSerializer):
    """The password, from everybody who has one."""

    password = StrictCharField(required=False, write_only=True)


class DeletionOutput(serializers.Serializer[None]):
    """A sentence for the person, and until when an operator can restore the account."""

    message = serializers.CharField()
    timestamp = serializers.DateTimeField()
    erased_after = serializers.DateTimeField()


class ActivityOutput(serializers.Serializer[None]):
    """One thing that happened to the account. What belongs to somebody else in it is null.

    ``explanation`` says in the language of the request why the person was asked for a proof, told or refused.
    """

    id = serializers.UUIDField()
    type = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    severity = serializers.ChoiceField(choices=["info", "low", "medium", "high", "critical"])
    outcome = serializers.ChoiceField(choices=["success", "failure"])
    ip_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField(allow_blank=True)
    session_id = serializers.UUIDField(allow_null=True)
    details = serializers.DictField()
    explanation = serializers.ListField(child=serializers.CharField())


class ActivityListOutput(serializers.Serializer[None]):
    """A page of activity, newest first."""

    results = ActivityOutput(many=True)
    next = serializers.CharField(allow_null=True)


class ExportedAccountOutput(serializers.Serializer[None]):
    """The account as it is stored, without the password."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.CharField()
    email_confirmed_at = serializers.DateTimeField(allow_null=True)
    full_name = serializers.CharField(allow_blank=True)
    locale = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    tier = serializers.CharField()
    department = serializers.CharField(allow_blank=True)
    location = serializers.CharField(allow_blank=True)
    is_active = serializers.BooleanField()
    mfa_enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    last_login_at = serializers.DateTimeField(allow_null=True)
    deletion_requested_at = serializers.DateTimeField(allow_null=True)


class ExportedSessionOutput(serializers.Serializer[None]):
    """A session, living or over."""

    id = serializers.UUIDField()
    ip_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField(allow_blank=True)
    amr = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    last_activity_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)


class ExportedSessionsOutput(serializers.Serializer[None]):
    """The latest sessions."""

    results = ExportedSessionOutput(many=True)
    is_truncated = serializers.BooleanField()


class ExportedFactorOutput(serializers.Serializer[None]):
    """A second factor, without its secret."""

    method = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class ExportedConnectionOutput(serializers.Serializer[None]):
    """An account of another provider, and what that told about the person."""

    provider = serializers.CharField()
    uid = serializers.CharField()
    profile = serializers.DictField()
    linked_at = serializers.DateTimeField()
    last_login_at = serializers.DateTimeField()


class ExportedOriginOutput(serializers.Serializer[None]):
    """Where the account was imported from."""

    source = serializers.CharField()  # type: ignore[assignment]  # a member; Field.source is another thing
    external_id = serializers.CharField()
    imported_at = serializers.DateTimeField()


class ExportedActivityOutput(serializers.Serializer[None]):
    """The latest activity, and where all of it is."""

    results = ActivityOutput(many=True)
    is_truncated = serializers.BooleanField()
    all_at = serializers.CharField()


class ExportedResponseOutput(serializers.Serializer[None]):
    """What was done to protect the account."""

    kind = serializers.CharField()
    started_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)


class ExportedIncidentOutput(serializers.Serializer[None]):
    """A possible attack on the account, in words."""

    id = serializers.UUIDField()
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    explanation = serializers.CharField()
    responses = ExportedResponseOutput(many=True)


class ExportedIncidentsOutput(serializers.Serializer[None]):
    """The latest incidents about the person."""

    results = ExportedIncidentOutput(many=True)
    is_truncated = serializers.BooleanField()


class ExportOutput(serializers.Serializer[None]):
    """All that is kept about a person."""

    format = serializers.IntegerField()
    exported_at = serializers.DateTimeField()
    account = ExportedAccountOutput()
    sessions = ExportedSessionsOutput()
    second_factors = ExportedFactorOutput(many=True)
    social_accounts = ExportedConnectionOutput(many=True)
    imports = ExportedOriginOutput(many=True)
    security_events = ExportedActivityOutput()
    incidents = ExportedIncidentsOutput()
