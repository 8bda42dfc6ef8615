"""Run many commands of manage.py with one start of Django: each in a fork of a process that has loaded it.

As a program it reads a list of argument lists from standard input, and writes what each command did.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def results(commands, *, environment):
    """Return exit code, standard output and standard error of each command."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.forked_commands"],
        input=json.dumps(commands),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _run(arguments):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = os.fork()
        if process == 0:
            _become_command(arguments, out, err)
        _, status = os.waitpid(process, 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode())
    return os.waitstatus_to_exitcode(status), *texts


def _become_command(arguments, out, err):
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.argv = ["manage.py", *arguments]
    code = 1
    try:
        import manage

        manage.main()
        code = 0
    except SystemExit as end:
        # As the interpreter ends a process.
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException as error:  # noqa: BLE001 - the process ends here after any error
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    import django
    from django.core.checks import run_checks

    from cedrina.settings.settings_module import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    django.setup()
    # What the checks before each command load, which is most of what the commands here would do.
    import_module("cedrina.urls")
    run_checks()  # what they find is of no account here; what they look for is kept
    gc.freeze()
    json.dump([_run(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
