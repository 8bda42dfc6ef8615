"""The hash of new passwords."""

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher
from django.utils.functional import classproperty

from accounts.conf import account_settings


class BCryptHasher(BCryptSHA256PasswordHasher):
    """bcrypt over SHA-256, because bcrypt alone ignores all but 72 bytes. BCRYPT_ROUNDS sets the cost."""

    @classproperty
    def rounds(cls) -> int:  # noqa: N805 - a property of the class
        return account_settings.BCRYPT_ROUNDS

    def must_update(self, encoded: str) -> bool:
        # Never replace a hash by a cheaper one, because the setting may have been lowered by mistake.
        return int(self.decode(encoded)["work_factor"]) < self.rounds
