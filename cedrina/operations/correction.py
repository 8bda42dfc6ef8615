"""What to do about one finding of `manage.py doctor`."""

from dataclasses import dataclass

from django.utils.functional import Promise

TranslatableText = str | Promise


@dataclass(frozen=True, slots=True)
class Correction:
    """``line`` is what to write; ``None``: the first setting that the problem names, with its default value.

    ``problem`` replaces the text of a check that another library wrote. ``is_about_https`` marks what is of no
    importance for a development server on loopback.
    """

    section: str
    mend: TranslatableText
    page: str
    line: str | None = None
    problem: TranslatableText = ""
    is_about_https: bool = False
