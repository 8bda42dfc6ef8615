"""Password validators, as Django's, so that Django's own forms and commands apply them, too.

There are no composition rules: they make passwords harder to remember, not harder to guess (NIST SP 800-63B, 3.1.1.2).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from zxcvbn_rs_py import zxcvbn

from accounts.conf import account_settings

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

MAX_LENGTH = 128  # characters; ASVS 5.0, 6.2.9 requires at least 64
_ESTIMATED_LENGTH = 72  # characters; the estimate of a longer one takes up to 35 ms and says little more
_MAX_COMBINATIONS = 12
# The signs that zxcvbn takes for each letter.
_L33T_SIGNS = {
    "a": "4@",
    "b": "8",
    "c": "({[<",
    "e": "3",
    "g": "69",
    "i": "1!|",
    "l": "1|7",
    "o": "0",
    "s": "$5",
    "t": "+7",
    "x": "%",
    "z": "2",
}

zxcvbn("a")  # the first call builds the word lists, which worker processes share when it comes before the fork


class LengthValidator(password_validation.MinimumLengthValidator):
    """Require PASSWORD_MIN_LENGTH characters."""

    def __init__(self) -> None:
        """Store nothing: Django creates validators once, and the setting may change."""

    @property
    def min_length(self) -> int:  # type: ignore[override]  # never written after __init__
        return account_settings.PASSWORD_MIN_LENGTH


class MaximumLengthValidator:
    """Limit the length, so that estimating the strength and hashing stay cheap."""

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
    """Refuse the 20,000 most common passwords."""


class SimilarityValidator(password_validation.UserAttributeSimilarityValidator):
    """Refuse passwords that are similar to the username, the address or the full name."""

    def __init__(self) -> None:
        super().__init__(user_attributes=("username", "email", "full_name"))


class StrengthValidator:
    """Require a strength of PASSWORD_MIN_SCORE, as zxcvbn estimates it."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        estimated = _limit_l33t_combinations(password[:_ESTIMATED_LENGTH])
        if not estimated or int(zxcvbn(estimated).score) < account_settings.PASSWORD_MIN_SCORE:
            raise ValidationError(_("This password is too easy to guess."), code="password_too_weak")

    def get_help_text(self) -> str:
        return gettext("Your password must be hard to guess: a few unrelated words are a good choice.")


def _limit_l33t_combinations(password: str) -> str:
    """Return a password for which zxcvbn tries at most 12 combinations of l33t substitutions.

    It tries all combinations, which takes 0.4 s for a password made for this attack. Beyond 12, only the first sign
    of each letter is kept; the password then looks weaker, never stronger.
    """
    used = {letter: [sign for sign in signs if sign in password] for letter, signs in _L33T_SIGNS.items()}
    if prod(max(1, len(signs)) for signs in used.values()) <= _MAX_COMBINATIONS:
        return password
    replacements = {ord(sign): signs[0] for signs in used.values() for sign in signs[1:]}
    return password.translate(replacements)
