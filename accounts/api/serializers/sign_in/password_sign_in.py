"""The request of a sign-in by password."""

from cedrina_base.strict_serializers import StrictCharField, StrictSerializer


class LoginInput(StrictSerializer):
    """A username or an e-mail address, and the password exactly as it is."""

    username = StrictCharField(max_length=254)
    password = StrictCharField(write_only=True)
