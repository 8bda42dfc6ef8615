"""Catalogues on disk: what stands in a .po file, and the .mo file that the server reads.

Both are written without dates, places and tools' names, so that a file changes only where a sentence does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from cedrina.tooling.translations.extraction import Sentence


@dataclass(frozen=True, slots=True)
class Language:
    """A language that is translated into, and how it counts.

    ``exact`` are the plural forms that stand for one number alone, so that a word may take the number's place.
    """

    code: str
    name: str
    forms: int
    rule: str
    exact: frozenset[int]


LANGUAGES = (
    Language("es", "Spanish", 2, "(n != 1)", frozenset({0})),
    Language("fa", "Persian", 2, "(n > 1)", frozenset()),
    Language(
        "ar",
        "Arabic",
        6,
        "n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5",
        frozenset({0, 1, 2}),
    ),
)


class _Catalogue(Catalog):
    """A catalogue whose header says only what gettext needs."""

    def __init__(self, language: Language) -> None:
        super().__init__(header_comment=f"# {language.name}. See docs/translating.md.", fuzzy=False)
        self.language = language

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", self.language.code),
            ("Plural-Forms", f"nplurals={self.language.forms}; plural={self.language.rule};"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit\n"),
        ]

    @property
    def num_plurals(self) -> int:
        return self.language.forms


def paths(root: Path, language: Language) -> tuple[Path, Path]:
    """Return the paths of a language's .po file and of its .mo file."""
    folder = root / "locale" / language.code / "LC_MESSAGES"
    return folder / "django.po", folder / "django.mo"


def read(path: Path) -> dict[tuple[str, str], Message]:
    """Return the entries of a .po file by singular and context, obsolete entries included."""
    if not path.exists():
        return {}
    catalogue = read_po(BytesIO(path.read_bytes()), abort_invalid=True)
    entries = [message for message in catalogue if message.id] + list(catalogue.obsolete.values())
    return {(singular_of(message), message.context or ""): message for message in entries}


def singular_of(message: Message) -> str:
    """Return the source sentence of an entry."""
    return message.id if isinstance(message.id, str) else message.id[0]


def strings_of(message: Message) -> list[str]:
    """Return the translation of an entry, one string for each plural form."""
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def merged(language: Language, sentences: Iterable[Sentence], entries: dict[tuple[str, str], Message]) -> _Catalogue:
    """Return a catalogue of exactly these sentences, with their existing translations."""
    catalogue = _Catalogue(language)
    for sentence in sentences:
        known = entries.get((sentence.singular, sentence.context))
        strings = strings_of(known) if known else []
        if sentence.plural:
            strings = strings if len(strings) == language.forms else [""] * language.forms
            translation: str | tuple[str, ...] = tuple(strings)
        else:
            translation = strings[0] if len(strings) == 1 else ""
        catalogue.add(
            (sentence.singular, sentence.plural) if sentence.plural else sentence.singular,
            translation,
            flags=known.flags & {"fuzzy"} if known else (),
            user_comments=known.user_comments if known else (),
            context=sentence.context or None,
        )
    return catalogue


def source_form(catalogue: _Catalogue) -> bytes:
    """Return the content of the .po file."""
    file = BytesIO()
    write_po(file, catalogue, width=0, no_location=True, ignore_obsolete=True)
    return file.getvalue().rstrip(b"\n") + b"\n"


def compiled_form(catalogue: _Catalogue) -> bytes:
    """Return the content of the .mo file."""
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()
