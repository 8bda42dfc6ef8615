"""What the distribution requires, and which installed distributions an extra of it brings."""

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, PathDistribution, distribution, packages_distributions

from packaging.requirements import Requirement

# Put in front of everything: what the extra does not bring can't be imported.
SITECUSTOMIZE = """
import sys

class NotInstalled:
    names = {names!r}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in cls.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled)
"""


# ua-parser asks whether it is there, and does without it.
OPTIONAL = {"re2"}


def normalised(name):
    """Return a distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def cedrina_in(site):
    """Return the metadata of the unpacked wheel."""
    (folder,) = site.glob("cedrina-*.dist-info")
    return PathDistribution(folder)


def direct(found, extras=("",)) -> Iterable[Requirement]:
    """Yield what a distribution requires, by itself and for some of its extras."""
    for text in found.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield requirement


def of_extra(cedrina, extra):
    """Return the names of what an extra of ours requires itself, with the extras that it includes."""
    names = set()
    for requirement in direct(cedrina, ("", extra)):
        if normalised(requirement.name) == "cedrina":
            names |= {name for inner in requirement.extras for name in of_extra(cedrina, inner)}
        else:
            names.add(normalised(requirement.name))
    return names


def brought_by(cedrina, extra):
    """Return the names of all distributions that ``pip install cedrina[extra]`` brings."""
    found, todo = set(), [Requirement(f"cedrina[{extra}]")]
    while todo:
        requirement = todo.pop()
        name, extras = normalised(requirement.name), frozenset(requirement.extras)
        if (name, extras) in found:
            continue
        found.add((name, extras))
        try:
            todo += direct(cedrina if name == "cedrina" else distribution(name), ("", *extras))
        except PackageNotFoundError:
            continue  # this environment lacks what it does not need
    return {name for name, _ in found}


def hide_others(folder, *, site, extra):
    """Return a directory for PYTHONPATH that hides the modules that ``pip install cedrina[extra]`` does not bring."""
    brought = brought_by(cedrina_in(site), extra)
    hidden = {
        module
        for module, owners in packages_distributions().items()
        if not brought & {normalised(owner) for owner in owners}
    } - OPTIONAL
    directory = folder / "hidden"
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(SITECUSTOMIZE.format(names=hidden), encoding="utf-8")
    return directory
