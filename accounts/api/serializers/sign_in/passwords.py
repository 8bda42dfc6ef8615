"""The request of a password change."""

from cedrina_base.strict_serializers import StrictCharField, StrictSerializer


class PasswordChangeInput(StrictSerializer):
    """The current password and the one to come, exactly as they are."""

    old_password = StrictCharField(write_only=True)
    new_password = StrictCharField(write_only=True)
