#!/usr/bin/env python
"""Entry point of every command."""

import gc
import os
import sys


def main() -> None:
    # What is imported stays, so there is no garbage to look for: 60 of 690 ms. cedrina/apps.py enables it again.
    gc.disable()
    from cedrina.settings.settings_module import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        from cedrina.operations.command_faults import end_command

        end_command(error, arguments=sys.argv)
        raise


if __name__ == "__main__":
    main()
