"""Choose the settings module by CEDRINA_ENV. It can be imported before settings exist."""

import os

from cedrina.settings.dotenv import read_dotenv

SETTINGS_MODULES = {
    "development": "cedrina.settings.dev",
    "staging": "cedrina.settings.prod",
    "production": "cedrina.settings.prod",
}


def settings_module() -> str:
    """Return the settings module of CEDRINA_ENV, which may stand in `.env`; DJANGO_SETTINGS_MODULE wins over it.

    An unknown value gets the strict settings, which refuse it with a sentence.

    Raises: ConfigurationError for faults of `.env`.
    """
    named = os.environ.get("DJANGO_SETTINGS_MODULE")
    if named:
        return named
    if "CEDRINA_ENV" not in os.environ:
        read_dotenv()
    return SETTINGS_MODULES.get(os.environ.get("CEDRINA_ENV") or "development", "cedrina.settings.prod")
