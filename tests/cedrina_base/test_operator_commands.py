import pytest

from cedrina_base.operator_commands import language_of


class TestLanguageOf:
    @pytest.mark.parametrize(
        ("environ", "language"),
        [
            ({}, "en"),
            ({"LANG": "C"}, "en"),
            ({"LANG": "C.UTF-8"}, "en"),
            ({"LANG": "POSIX"}, "en"),
            ({"LANG": "de_DE.UTF-8"}, "en"),
            ({"LANG": "en_GB.UTF-8"}, "en"),
            ({"LANG": "fa_IR.UTF-8"}, "fa"),
            ({"LANG": "es"}, "es"),
            ({"LANG": "ar_EG@euro"}, "ar"),
            ({"LANG": "fa_IR", "LC_MESSAGES": "es_ES"}, "es"),
            ({"LANG": "fa_IR", "LC_MESSAGES": "es_ES", "LC_ALL": "ar_SA"}, "ar"),
            ({"LANG": "fa_IR", "LC_ALL": ""}, "fa"),
            ({"LANG": "fa_IR", "LC_ALL": "C"}, "en"),
            ({"LANG": "fa_IR", "LANGUAGE": "de:ar:es"}, "ar"),
            ({"LANG": "fa_IR", "LANGUAGE": "de"}, "fa"),
            ({"LANG": "C", "LANGUAGE": "fa"}, "en"),
            ({"LANG": "../../etc"}, "en"),
        ],
    )
    def test_is_what_gettext_would_take(self, environ, language):
        assert language_of(environ) == language
