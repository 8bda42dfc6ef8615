"""Choose the settings module by CEDRINA_ENV. It can be imported before settings exist."""

import os

SETTINGS_MODULES = {
    "development": "cedrina.settings.dev",
    "staging": "cedrina.settings.prod",
    "production": "cedrina.settings.prod",
}


def settings_module() -> str:
    """Return the settings module of CEDRINA_ENV.

    An unknown value gets the strict settings, which refuse it with a sentence.
    """
    return SETTINGS_MODULES.get(os.environ.get("CEDRINA_ENV") or "development", "cedrina.settings.prod")
