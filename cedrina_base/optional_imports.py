"""Import a library without other libraries that it imports only where they are installed."""

import sys
from collections.abc import Collection
from importlib import import_module


def import_without(name: str, *, optional: Collection[str]) -> None:
    """Import a module as though nobody had installed the modules ``optional``.

    With ``try: import requests`` in it, a library then takes the memory and the time of its own code alone. ``None`` in
    ``sys.modules`` lets an import fail ("The import system", 5.3.1 of Python's reference). Modules that were imported
    before stay; the others can be imported afterwards as ever. Call it where a process starts, while it has one thread.
    """
    hidden = [each for each in optional if each not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is documented, and not in the stubs
    try:
        import_module(name)
    finally:
        for each in hidden:
            del sys.modules[each]
