"""Find the faults of a catalogue."""

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Message

from cedrina.tooling.translations import catalogues
from cedrina.tooling.translations.catalogues import Language
from cedrina.tooling.translations.extraction import Sentence

_NAMED = re.compile(r"%\(\w+\)[-#0+]*\d*(?:\.\d+)?[a-zA-Z]|\{\w*(?::[^{}]*)?\}")
_BY_POSITION = re.compile(r"%[-#0+]*\d*(?:\.\d+)?[a-zA-Z%]")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_ENDS = re.compile(r"^\s*|\s*$")


def faults(root: Path, language: Language, sentences: list[Sentence]) -> Iterator[str]:
    """Yield each fault of one language's catalogue as a sentence."""
    source, compiled = catalogues.paths(root, language)
    entries = catalogues.read(source)
    known = {(sentence.singular, sentence.context) for sentence in sentences}
    for sentence in sentences:
        entry = entries.get((sentence.singular, sentence.context))
        if entry is None:
            yield f"{sentence} is missing."
        else:
            yield from (f"{sentence} {fault}" for fault in _faults_of(sentence, entry, language))
    for singular, context in sorted(entries.keys() - known):
        yield f"{Sentence(singular=singular, context=context)} is obsolete."
    catalogue = catalogues.merged(language, sentences, entries)
    if not source.exists() or source.read_bytes() != catalogues.source_form(catalogue):
        yield f"{source.name} is not as it would be written."
    if not compiled.exists() or compiled.read_bytes() != catalogues.compiled_form(catalogue):
        yield f"{compiled.name} is not what {source.name} compiles to."


def _faults_of(sentence: Sentence, entry: Message, language: Language) -> Iterator[str]:
    if "fuzzy" in entry.flags:
        yield "is fuzzy."
    strings = catalogues.strings_of(entry)
    if len(strings) != (language.forms if sentence.plural else 1):
        yield "has another number of plural forms."
        return
    if not all(strings):
        yield "is not translated."
        return
    for form, string in enumerate(strings):
        original = sentence.plural or sentence.singular
        may_omit_number = bool(sentence.plural) and form in language.exact
        if not _same_placeholders(original, string, may_omit_number=may_omit_number):
            yield f"has other placeholders in {string!r}."
        if sorted(_TAG.findall(original)) != sorted(_TAG.findall(string)):
            yield f"has other tags in {string!r}."
        if _ENDS.findall(original) != _ENDS.findall(string):
            yield f"begins or ends with other white space in {string!r}."


def _same_placeholders(original: str, string: str, *, may_omit_number: bool) -> bool:
    wanted, found = set(_NAMED.findall(original)), set(_NAMED.findall(string))
    by_position = _BY_POSITION.findall(_NAMED.sub("", original))
    if not may_omit_number:
        return wanted == found and by_position == _BY_POSITION.findall(_NAMED.sub("", string))
    found_by_position = _BY_POSITION.findall(_NAMED.sub("", string))
    missing = len(wanted - found) + len(by_position) - len(found_by_position)
    return found <= wanted and set(found_by_position) <= set(by_position) and 0 <= missing <= 1
