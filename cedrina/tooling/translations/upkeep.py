"""Update all catalogues, and check them."""

from pathlib import Path

from cedrina.tooling.translations import catalogues
from cedrina.tooling.translations.extraction import sentences
from cedrina.tooling.translations.faults import faults


def update(root: Path) -> None:
    """Write the sentences of the code below a directory into each catalogue, remove others, and compile it."""
    wanted = sentences(root)
    for language in catalogues.LANGUAGES:
        source, compiled = catalogues.paths(root, language)
        source.parent.mkdir(parents=True, exist_ok=True)
        catalogue = catalogues.merged(language, wanted, catalogues.read(source))
        source.write_bytes(catalogues.source_form(catalogue))
        compiled.write_bytes(catalogues.compiled_form(catalogue))


def found_faults(root: Path) -> list[str]:
    """Return the faults of the catalogues below a directory, each with its languages."""
    wanted = sentences(root)
    found: dict[str, list[str]] = {}
    for language in catalogues.LANGUAGES:
        for fault in faults(root, language, wanted):
            found.setdefault(fault, []).append(language.code)
    return [f"{', '.join(codes)}: {fault}" for fault, codes in found.items()]
