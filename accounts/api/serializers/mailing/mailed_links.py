"""The request bodies of the calls that request mail or redeem a mailed token."""

from cedrina_base.strict_serializers import StrictCharField, StrictSerializer


class AddressInput(StrictSerializer):
    """The address to write to."""

    email = StrictCharField(max_length=254)


class MailedTokenInput(StrictSerializer):
    """The token of a mailed link."""

    token = StrictCharField(max_length=128, write_only=True)


class ConfirmationInput(MailedTokenInput):
    """The token of a mailed link, and a password, exactly as it is, by which whoever follows it is the holder."""

    password = StrictCharField(write_only=True, required=False)


class PasswordResetInput(MailedTokenInput):
    """The token of a mailed link, and the password to come, exactly as it is."""

    new_password = StrictCharField(write_only=True)


class AddressChangeInput(StrictSerializer):
    """The new address, and the password of the account, exactly as it is."""

    email = StrictCharField(max_length=254)
    password = StrictCharField(write_only=True)
