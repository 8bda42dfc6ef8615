#!/usr/bin/env python
"""Entry point of every command."""

import os
import sys

SETTINGS = {"development": "dev", "staging": "prod", "production": "prod"}


def main() -> None:
    environment = os.environ.get("CEDRINA_ENV", "development")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"cedrina.settings.{SETTINGS.get(environment, 'prod')}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
