"""Which settings an environment has. Usable before there are settings."""

import os

SETTINGS = {
    "development": "cedrina.settings.dev",
    "staging": "cedrina.settings.prod",
    "production": "cedrina.settings.prod",
}


def settings_module() -> str:
    """Return the settings of CEDRINA_ENV. What is no environment gets the strict ones, which refuse it in words."""
    return SETTINGS.get(os.environ.get("CEDRINA_ENV") or "development", "cedrina.settings.prod")
