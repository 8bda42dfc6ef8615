import random
import time
from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError

from accounts import validators

SIGNS = "4@8({[<3691!|70$5+%2"


class TestStrengthValidator:
    @pytest.mark.parametrize("password", ["", "a", "qwertyuiopas", "p@ssw0rdp@ssw0rd", "123456789012", "abcabcabcabc"])
    def test_refuses_what_is_easy_to_guess(self, password):
        with pytest.raises(ValidationError) as error:
            validators.StrengthValidator().validate(password)

        assert error.value.code == "password_too_weak"

    @pytest.mark.parametrize("password", ["Bd7gk!2Mp4xz", "violet harbour drum kite", "\u202e" * 3 + "x9#kQ2$mv"])
    def test_accepts_what_is_hard_to_guess(self, password):
        validators.StrengthValidator().validate(password)

    def test_estimates_passwords_made_to_take_long_in_less_than_a_second(self):
        chance = random.Random(7)
        for number in range(30):
            signs = chance.sample(SIGNS, chance.randint(2, len(SIGNS)))
            password = "a" * (number % 20) + "".join(chance.choices(signs, k=128))
            began = time.thread_time()
            with suppress(ValidationError):
                validators.StrengthValidator().validate(password)
            assert time.thread_time() - began < 1

    def test_follows_the_setting(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_MIN_SCORE": 0}

        validators.StrengthValidator().validate("aaaaaaaaaaaa")


class TestHelpTexts:
    def test_exist_for_djangos_own_forms(self):
        for validator in (
            validators.LengthValidator(),
            validators.MaximumLengthValidator(),
            validators.StrengthValidator(),
        ):
            assert validator.get_help_text()
