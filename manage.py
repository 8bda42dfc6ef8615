#!/usr/bin/env python
"""Entry point of every command."""

import os
import sys
from pathlib import Path


def main() -> None:
    from cedrina.settings.settings_module import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    from django.core.management import execute_from_command_line

    from cedrina.operations import command_list

    try:
        if command_list.is_wanted(sys.argv[1:]):
            sys.stdout.write(command_list.text(program=Path(sys.argv[0]).name) + "\n")
        else:
            execute_from_command_line(sys.argv)
    except Exception as error:
        from cedrina.operations.command_faults import end_command

        end_command(error, arguments=sys.argv)
        raise


if __name__ == "__main__":
    main()
