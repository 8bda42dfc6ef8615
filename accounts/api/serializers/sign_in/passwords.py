"""The request of a password change."""

from tokens.api.serializers.strict import StrictCharField, StrictSerializer


class PasswordChangeInput(StrictSerializer):
    """The current password and the one to come, exactly as they are."""

    old_password = StrictCharField(write_only=True)
    new_password = StrictCharField(write_only=True)
