import os

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class BCrypt(BCryptSHA256PasswordHasher):
    """Django's hasher with its default of 12 rounds, or fewer where hashing is not what is measured."""

    rounds = int(os.environ.get("PEER_BCRYPT_ROUNDS", "12"))
