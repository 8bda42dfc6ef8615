import pytest
from django.core.management import ManagementUtility

from cedrina.operations import command_list


class TestText:
    def test_is_what_django_writes(self):
        text = command_list.text(program="manage.py")
        assert text == ManagementUtility(["manage.py"]).main_help_text()
        assert "[accounts]" in text
        assert "[auth]" not in text  # ours have the same names and come first


class TestIsWanted:
    @pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"]])
    def test_where_django_writes_the_list(self, arguments):
        assert command_list.is_wanted(arguments)

    @pytest.mark.parametrize("arguments", [["help", "migrate"], ["help", "--commands"], ["migrate"], ["version"]])
    def test_nowhere_else(self, arguments):
        assert not command_list.is_wanted(arguments)

    def test_leaves_the_completion_of_shells_to_django(self, monkeypatch):
        monkeypatch.setenv("DJANGO_AUTO_COMPLETE", "1")
        assert not command_list.is_wanted([])
