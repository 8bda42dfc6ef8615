"""What forks of our programs have loaded already: our code, with the settings of their kind of environment.

A kind is an environment without what each program has for itself, such as its database and its port: settings that no
code reads while it is loaded. A process of a kind loads what a program of that kind would, with a database that does
not exist; a fork of it reads all settings again. The HTTP server forks its workers in the same way
(``cedrina/serving/processes/preloading.py``).
"""

import gc
import mmap
import os
import sys
import time
from importlib import import_module, reload
from pathlib import Path

EACH_ITS_OWN = {"DATABASE_POOL_MAX", "DATABASE_URL", "EMAIL_URL", "PORT", "WEB_CONCURRENCY"}
# pytest tells it to programs; to the kind it is of no account.
IGNORED = {"PYTEST_CURRENT_TEST"}
NO_DATABASE = "postgres://nobody:nothing@127.0.0.1:1/none"


def kind_of(arguments, environment):
    """Return what the environment of a program has in common with others, None for a program that is not ours."""
    is_ours = arguments[0] == "manage.py" or arguments[:2] == ["-m", "cedrina.serving"]
    if not is_ours or not environment.keys() >= {"DATABASE_URL"}:
        return None
    return frozenset((name, text) for name, text in environment.items() if name not in EACH_ITS_OWN | IGNORED)


def environment_for(environment):
    """Return the environment of the process that loads the code for programs of the kind of this one."""
    return {**environment, "DATABASE_URL": NO_DATABASE, "PORT": "1"}


def load():
    """Load the code that servers and commands have in common, and what the checks before each command load.

    Raises: NotForkable, when that starts a thread or opens a connection; whatever the settings raise.
    """
    sys.path[0] = str(Path.cwd())
    from cedrina.serving.processes.preloading import open_descriptors, require_forkable
    from cedrina.settings.settings_module import settings_module

    known = open_descriptors()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    import django
    from django.conf import settings
    from django.contrib.auth.password_validation import get_default_password_validators
    from django.core.checks import run_checks
    from django.urls import reverse
    from django.utils import translation

    django.setup()
    import_module("cedrina.urls")
    import_module("cedrina.routing")
    run_checks()  # what they find is of no account here; what they look for is kept
    get_default_password_validators()  # one holds 20,000 passwords
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            reverse("livez")  # makes the table of all URLs of a language
    require_forkable(known_descriptors=known)
    gc.collect()
    gc.freeze()


def read_settings():
    """Read the settings of this fork's own environment, which stays as it is, and share nothing with other forks."""
    from django.conf import settings
    from django.db import connections

    from cedrina.database.circuit_breaker import SHARED_BYTES, circuit_breaker
    from cedrina.settings.settings_module import settings_module

    given = dict(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    reload(import_module("cedrina.settings.base"))
    module = reload(import_module(os.environ["DJANGO_SETTINGS_MODULE"]))
    for name in filter(str.isupper, vars(module)):
        setattr(settings, name, getattr(module, name))
    # Models have asked for their connections, which keep the entries that they were made of.
    for alias, database in settings.DATABASES.items():
        connections.databases[alias].update(database)
    settings.DATABASES = connections.databases
    # Forks of one process share its state on purpose; these are not workers of one server.
    circuit_breaker.share(mmap.mmap(-1, SHARED_BYTES))
    os.environ.clear()
    os.environ.update(given, TZ=settings.TIME_ZONE)  # as Django does where it reads settings
    time.tzset()
