"""Find the sentences that the code and the templates give to gettext."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract
from django.utils.translation.template import templatize

APPS = ("accounts", "cedrina", "cedrina_base", "ratelimiting", "security_events", "tokens")
TEMPLATES = {".html", ".txt"}

_Places = tuple[int | tuple[int, str], ...]
_KEYWORDS: dict[str, _Places | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


@dataclass(frozen=True, order=True, slots=True)
class Sentence:
    """A sentence to be translated. ``plural`` and ``context`` are empty when it has none."""

    singular: str
    context: str = ""
    plural: str = ""

    def __str__(self) -> str:
        return f"{self.singular!r}" + (f" ({self.context})" if self.context else "")


def sentences(root: Path) -> list[Sentence]:
    """Return every sentence of the apps and templates below a directory once, in alphabetical order."""
    found: dict[tuple[str, str], Sentence] = {}
    for path in _files(root):
        for sentence in _of_file(path):
            key = (sentence.singular, sentence.context)
            # gettext looks both up by the singular, so they are one entry.
            if key not in found or sentence.plural:
                found[key] = sentence
    return sorted(found.values())


def _files(root: Path) -> Iterator[Path]:
    for app in APPS:
        for path in sorted((root / app).rglob("*")):
            is_template = "templates" in path.parts and path.suffix in TEMPLATES
            if "migrations" not in path.parts and (path.suffix == ".py" or is_template):
                yield path
    yield from (path for path in sorted((root / "templates").rglob("*")) if path.suffix in TEMPLATES)


def _of_file(path: Path) -> Iterator[Sentence]:
    text = path.read_text(encoding="utf-8")
    if path.suffix in TEMPLATES:
        # The text around the calls keeps the template's indentation, which Python cannot parse.
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).splitlines())
    yield from _of_python(text)


def _of_python(text: str) -> Iterator[Sentence]:
    for _line, message, _comments, context in extract("python", BytesIO(text.encode()), keywords=_KEYWORDS):
        singular, plural = (message, "") if isinstance(message, str) else message
        yield Sentence(singular=singular, context=context or "", plural=plural)
