"""Load the code of the server before worker processes are forked, so that they share its memory.

Only what each process may use as it is may be loaded: modules, URLs, templates, translations, word lists. Connections,
threads, signing keys and secrets derived from others are made by each worker, after the fork.
"""

import gc
import os
import stat
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import get_hashers
from django.contrib.auth.password_validation import get_default_password_validators
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string

from security_events import user_agents

# What workers import when they start, and libraries that import parts of themselves at their first use.
MODULES = (
    "cedrina.monitoring.figures.exposition",
    "cedrina.rate_limit_hooks",
    "cedrina.routing",
    "cedrina.serving.asgi_application",
    "cedrina.serving.processes.http_worker",
    "accounts.validators",
    "django.contrib.auth.context_processors",
    "django.contrib.messages.storage.fallback",
    "django.contrib.sessions.backends.db",
    "django.core.mail.backends.smtp",
    "django.db.backends.postgresql.base",
    "cryptography.hazmat.primitives.ciphers.aead",
    "drf_spectacular.generators",
    "email_validator",
    "encodings.idna",
    "encodings.latin_1",
    "getpass",
    "multiprocessing",
    "uvloop",
)
TEMPLATE_DIRECTORY = Path(__file__).resolve().parents[3] / "templates"


class NotForkable(Exception):
    """The process has a thread or a connection, which a forked process could not use."""


def preload() -> None:
    """Load the code that serves HTTP, then move it out of the garbage collector's sight.

    The collector writes into the objects that it looks at, and a page that one process writes is no longer shared
    (``gc.freeze``).

    Raises: NotForkable; whatever the imported modules raise.
    """
    descriptors = open_descriptors()
    _load()
    require_forkable(known_descriptors=descriptors)
    gc.collect()
    gc.freeze()


def open_descriptors() -> frozenset[int]:
    """Return the open file descriptors of this process; none on a system without /proc."""
    with suppress(FileNotFoundError):
        return frozenset(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    return frozenset()


def require_forkable(*, known_descriptors: frozenset[int]) -> None:
    """Refuse a process that has another thread, or a connection other than those among ``known_descriptors``.

    Raises: NotForkable.
    """
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    tasks = Path("/proc/self/task")
    number = len(list(tasks.iterdir())) if tasks.exists() else 1  # libraries in C may have threads of their own
    if threads or number > 1:
        raise NotForkable(f"Loading the code started {max(len(threads), number - 1)} threads: {', '.join(threads)}.")
    connections = [number for number in open_descriptors() - known_descriptors if _is_connection(number)]
    if connections:
        raise NotForkable(f"Loading the code opened {len(connections)} connections.")


def _is_connection(descriptor: int) -> bool:
    """Return whether a descriptor is of anything but a file, a directory or a device."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:  # of the directory that was listed
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISCHR(mode))


def _load() -> None:
    import_module("cedrina.serving.application")  # sets Django up
    for name in MODULES:
        with suppress(ModuleNotFoundError):  # uvloop does not exist on every system
            import_module(name)
    for name in settings.PROCRASTINATE_IMPORT_PATHS:
        import_module(name)
    if settings.RATELIMITING.get("REDIS_URL"):
        import_module("ratelimiting.stores.redis")
    # Its 670 expressions are compiled once, and not by the first sign-in of each worker, in 0.13 s.
    user_agents.program_of("")
    get_hashers()
    get_default_password_validators()  # one holds 20,000 passwords
    for name in settings.MIDDLEWARE:
        import_string(name)
    _load_templates()
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            pass  # the catalogue is loaded
    # Django imports all views, and makes a table of all URLs for the language. Each further language would take 1 MiB;
    # only pages of the admin look into it, and the first one in another language waits for 0.14 s.
    with translation.override(settings.LANGUAGE_CODE):
        reverse("livez")


def _load_templates() -> None:
    """Compile the product's templates. Django keeps compiled templates, except in development."""
    for path in TEMPLATE_DIRECTORY.rglob("*.*"):
        with suppress(TemplateDoesNotExist):
            get_template(str(path.relative_to(TEMPLATE_DIRECTORY)))
