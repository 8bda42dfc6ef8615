"""What a new password must be like, in Django's form, so that Django's own forms and commands ask for the same.

There are no composition rules: they make passwords harder to remember and no harder to
guess (NIST SP 800-63B, 3.1.1.2).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from zxcvbn import zxcvbn
from zxcvbn.matching import L33T_TABLE

from accounts.conf import account_settings

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

MAX_LENGTH = 128  # characters; ASVS 5.0, 6.2.9 wants 64 at least
_ESTIMATED_LENGTH = 72  # zxcvbn takes no more
_MOST_SPELLINGS = 12

zxcvbn("a")  # it completes a dictionary shared by all threads at its first call


class LengthValidator(password_validation.MinimumLengthValidator):
    """At least as long as the setting says."""

    def __init__(self) -> None:
        """Keep nothing: Django makes validators once, the setting may change."""

    @property
    def min_length(self) -> int:  # type: ignore[override]  # never written after __init__
        return account_settings.PASSWORD_MIN_LENGTH


class MaximumLengthValidator:
    """Short enough that judging and hashing it costs nobody anything."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if len(password) > MAX_LENGTH:
            raise ValidationError(
                gettext("This password is longer than %(length)d characters."),
                code="password_too_long",
                params={"length": MAX_LENGTH},
            )

    def get_help_text(self) -> str:
        return gettext("Your password can't be longer than %(length)d characters.") % {"length": MAX_LENGTH}


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    """Not among the twenty thousand passwords that are used most."""


class SimilarityValidator(password_validation.UserAttributeSimilarityValidator):
    """Unlike the name and the address of its owner."""

    def __init__(self) -> None:
        super().__init__(user_attributes=("username", "email", "full_name"))


class StrengthValidator:
    """Hard enough to guess, as zxcvbn estimates it."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        estimated = _with_fewer_spellings(password[:_ESTIMATED_LENGTH])
        if not estimated or zxcvbn(estimated)["score"] < account_settings.PASSWORD_MIN_SCORE:
            raise ValidationError(_("This password is too easy to guess."), code="password_too_weak")

    def get_help_text(self) -> str:
        return gettext("Your password must be hard to guess: a few unrelated words are a good choice.")


def _with_fewer_spellings(password: str) -> str:
    """Return a password for which zxcvbn tries few ways of reading digits and signs as letters.

    It tries all combinations, which takes it seconds for a password made for that purpose. Beyond a dozen of them every
    letter keeps only the first of its signs, which makes the password look weaker, never stronger.
    """
    used = {letter: [sign for sign in signs if sign in password] for letter, signs in L33T_TABLE.items()}
    if prod(max(1, len(signs)) for signs in used.values()) <= _MOST_SPELLINGS:
        return password
    only = {ord(sign): signs[0] for signs in used.values() for sign in signs[1:]}
    return password.translate(only)
