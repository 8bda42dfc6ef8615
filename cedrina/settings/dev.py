"""One person's machine: what the environment leaves out has a working default."""

from cedrina.settings.base import *
