"""The shape of a change to one's own account."""

from accounts.api.serializers.fields import LocaleField, PersonalNameField
from accounts.types import ProfileChange
from cedrina_base.strict_serializers import StrictSerializer


class ProfileInput(StrictSerializer):
    """What a person may change about themselves; what is left out stays."""

    full_name = PersonalNameField(required=False)
    locale = LocaleField(required=False)

    def profile_change(self) -> ProfileChange:
        return ProfileChange(**self.validated_data)
