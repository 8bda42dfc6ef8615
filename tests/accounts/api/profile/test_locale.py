import pytest

from accounts.api.locale import supported_language


class TestSupportedLanguage:
    @pytest.mark.parametrize(
        ("language", "expected"), [("fa", "fa"), ("es-mx", "es"), ("de", "en"), ("", "en"), (None, "en")]
    )
    def test_is_one_that_an_account_can_have(self, language, expected):
        assert supported_language(language) == expected
