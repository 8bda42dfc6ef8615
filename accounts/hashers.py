"""How passwords are hashed."""

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher
from django.utils.functional import classproperty

from accounts.conf import account_settings


class BCryptHasher(BCryptSHA256PasswordHasher):
    """bcrypt over SHA-256, so that all of a password counts and not its first 72 bytes, at the cost of the setting."""

    @classproperty
    def rounds(cls) -> int:  # noqa: N805 - a property of the class
        return account_settings.BCRYPT_ROUNDS

    def must_update(self, encoded: str) -> bool:
        # Only ever upwards: a setting lowered by mistake must not weaken what is stored.
        return int(self.decode(encoded)["work_factor"]) < self.rounds
