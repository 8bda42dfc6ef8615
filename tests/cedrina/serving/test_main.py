import os

import pytest

from tests.programs import forked_programs


@pytest.mark.process
class TestStart:
    def test_is_refused_when_an_app_refuses_its_settings(self):
        environment = {**os.environ, "TOKEN_PROFILE": "hardened", "ACCESS_TOKEN_SECONDS": "3000", "PORT": "1"}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        code, _, err = forked_programs.run(["-m", "cedrina.serving"], environment=environment)

        assert code == 1
        assert "Cedrina does not start" in err
        assert "tokens.E003" in err
        assert "Traceback" not in err
