"""Bring all catalogues up to date, and look whether they are."""

from pathlib import Path

from cedrina.tooling.translations import catalogues
from cedrina.tooling.translations.extraction import sentences
from cedrina.tooling.translations.faults import faults


def update(root: Path) -> None:
    """Write the sentences of the code below a directory into each catalogue, drop what is gone, and compile."""
    wanted = sentences(root)
    for language in catalogues.LANGUAGES:
        source, compiled = catalogues.paths(root, language)
        source.parent.mkdir(parents=True, exist_ok=True)
        catalogue = catalogues.merged(language, wanted, catalogues.read(source))
        source.write_bytes(catalogues.source_form(catalogue))
        compiled.write_bytes(catalogues.compiled_form(catalogue))


def found_faults(root: Path) -> list[str]:
    """Return what is wrong with the catalogues below a directory, in words, each with the languages it holds for."""
    wanted = sentences(root)
    found: dict[str, list[str]] = {}
    for language in catalogues.LANGUAGES:
        for fault in faults(root, language, wanted):
            found.setdefault(fault, []).append(language.code)
    return [f"{', '.join(codes)}: {fault}" for fault, codes in found.items()]
