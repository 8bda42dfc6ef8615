"""A library is imported as though another one were not installed, and that one can be imported afterwards."""

import subprocess
import sys

import pytest

from cedrina_base.optional_imports import import_without
from tests.programs import served


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A library that works with and without another one."""
    (tmp_path / "library_with_an_option.py").write_text(
        "try:\n    import option_of_the_library as option\nexcept ImportError:\n    option = None\n"
    )
    (tmp_path / "option_of_the_library.py").write_text("")
    (tmp_path / "library_that_fails.py").write_text("raise ValueError('broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("library_with_an_option", "option_of_the_library"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("package")
class TestImportWithout:
    def test_hides_the_other_library_during_the_import_alone(self):
        import_without("library_with_an_option", optional=["option_of_the_library"])
        assert sys.modules["library_with_an_option"].option is None
        import option_of_the_library

        assert sys.modules["option_of_the_library"] is option_of_the_library

    def test_does_not_hide_what_was_imported_before(self):
        import option_of_the_library

        import_without("library_with_an_option", optional=["option_of_the_library"])
        assert sys.modules["library_with_an_option"].option is option_of_the_library
        assert sys.modules["option_of_the_library"] is option_of_the_library

    def test_hides_nothing_after_an_import_that_failed(self):
        with pytest.raises(ValueError, match="broken"):
            import_without("library_that_fails", optional=["option_of_the_library"])
        assert "option_of_the_library" not in sys.modules


@pytest.mark.process
class TestTheProduct:
    def test_leaves_twisted_to_the_server_that_needs_it(self):
        script = (
            "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'cedrina.settings.dev'; import django; "
            "django.setup(); assert 'structlog' in sys.modules; assert 'twisted' not in sys.modules; "
            "import twisted.internet; import cedrina.serving.daphne_server"
        )
        subprocess.run([sys.executable, "-c", script], cwd=served.ROOT, env=served.environment(), check=True)
