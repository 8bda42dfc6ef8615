"""What stands in the catalogues: it reaches the server, and is in the language that it should be in."""

import re
import unicodedata

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from cedrina.tooling.translations import catalogues
from tests.architecture.source import ROOT

LANGUAGES = pytest.mark.parametrize("language", catalogues.LANGUAGES, ids=lambda language: language.code)
RIGHT_TO_LEFT = pytest.mark.parametrize("language", catalogues.LANGUAGES[1:], ids=lambda language: language.code)
# What stays as it is in any language: placeholders, tags, options, names of settings, headers, formats and products.
FIXED = re.compile(
    r"(?:user|client|role):(?:<[a-z]+>|ID|NAME)|break:glass|on-call|documents/\*/notes|cedrina-support-TIME\.zip"
    r"|sslmode=verify-full|rediss://|smtp\+tls://|options\.evaluations_semantic|page\.(?:limit|token)|manage\.py"
    r"|^(?:evaluations|page|tests|version)(?![a-z])|^(?:Enter|Esc)$|JavaScript"
    # Members and values of policies and of questions about access; Arabic joins its "and" to them.
    r"|(?<![a-z])(?:subject|resource|action|context)(?!\.?[a-z])|(?<![a-z])(?:roles|rules|tests|changes|op)(?![a-z])"
    r"|(?<![a-z])(?:allow|deny|read|add|update|remove|true|false)(?![a-z])"
    r"|brute_force\.failures=8|--format cedrina|FILE\.checkpoint"
    r"|`[^`]*`|/auth(?:/[a-z-]+)+|\b(?:csv|jsonl)\b|\bdocs/[a-z/-]+\.md\b|\b[a-z]+(?:_[a-z]+)+\b"
    r"|%\(\w+\)[a-zA-Z]|%[a-zA-Z]|\{[^}]*\}|<[^>]+>|https?://\S+|--[a-z-]+|\b[A-Z][A-Z_0-9]{1,}\b|application/json|UTF-8"
    r"|PublicKeyCredential\.toJSON\(\)|\b(?:If-Match|ETag|null|KiB|MiB|WebAuthn|alg|kid|keys|https?|view|origins?|import)\b"
    r"|\b(?:Cedrina|Django|PostgreSQL|Redis|OpenID Connect|Google|Microsoft|Facebook)\b|\b(?:common|combined)\b"
    r"|policy:part=value,part=value|sign-in:ip=[\d.]+\d|=required"
    r"|(?<![a-z])(?:global|tier|user|ip|endpoint)(?![a-z])|host:port|name\+id\+base64"
    r"|\b(?:subject|resource)\.[a-z]+|documents/42|\b(?:weekdays|from|until|networks|mon|tue|wed|thu|fri|sat|sun)\b"
    r"|Europe/Madrid|MaxMind|\bSigma\b|\.zip\b"
    r"|\b(?:email|syslog|tlog-witness)\b|Accept: application/x-ndjson|witness\.example\.org"
)
SAME_IN_SPANISH = {
    "%(number)s d",
    "%(number)s h",
    "%(number)s min",
    "%(number)s s",
    "API",
    "Cedrina",
    "Error",
    "Error:",
    "Esc",
    "Roles",
    "Roles:",
    "Token",
    "Tokens",
    "URL",
    "error",
    "roles",
    "syslog",
    "token",
    "tokens",
    "webhook",
    "webhooks",
}
ZWNJ = "\N{ZERO WIDTH NON-JOINER}"


def entries(language):
    return catalogues.read(catalogues.paths(ROOT, language)[0])


def texts(language):
    """Return every translated text of a language beside its sentence."""
    return [
        (catalogues.singular_of(entry), text)
        for entry in entries(language).values()
        for text in catalogues.strings_of(entry)
        if text
    ]


def faulty(language, pattern):
    return [text for _sentence, text in texts(language) if re.search(pattern, FIXED.sub("", text))]


class TestEveryTranslation:
    @LANGUAGES
    def test_is_what_the_server_says(self, language):
        """Ours go before those of Django and of the packages, which have some of the same sentences."""
        with translation.override(language.code):
            for (singular, context), entry in entries(language).items():
                strings = catalogues.strings_of(entry)
                if not all(strings):
                    continue  # `make check` names it
                if isinstance(entry.id, str):
                    said = translation.pgettext(context, singular) if context else translation.gettext(singular)
                    assert said == strings[0]
                else:
                    rule = trans_real.catalog()._catalog._plurals[0]
                    for number in range(201):
                        assert translation.ngettext(*entry.id, number) == strings[rule(number)]

    @RIGHT_TO_LEFT
    def test_is_in_the_script_of_the_language(self, language):
        found = [
            text
            for _sentence, text in texts(language)
            if any(character.isalpha() for character in FIXED.sub("", text))
            and not any(unicodedata.name(character, "").startswith("ARABIC LETTER") for character in text)
        ]
        assert found == []

    @RIGHT_TO_LEFT
    def test_leaves_no_word_in_english(self, language):
        assert faulty(language, r"[a-z]{3,}") == []

    def test_differs_from_the_english_in_spanish(self):
        spanish = catalogues.LANGUAGES[0]
        assert {sentence for sentence, text in texts(spanish) if sentence == text} <= SAME_IN_SPANISH

    @RIGHT_TO_LEFT
    def test_has_the_signs_of_its_script(self, language):
        assert faulty(language, r"[,;?](?:\s|$)") == []

    def test_has_questions_and_quotes_as_in_spanish(self):
        spanish = catalogues.LANGUAGES[0]
        found = [text for _sentence, text in texts(spanish) if text.count("?") != text.count("¿") or '"' in text]
        assert found == []

    @LANGUAGES
    def test_ends_as_the_sentence_does(self, language):
        same = {".": ".", "?": "?؟", ",": ",،:", ":": ":"}
        found = [
            text
            for sentence, text in texts(language)
            if (sentence[-1] in same and text[-1] not in same[sentence[-1]])
            or (sentence[-1] not in same and text[-1] in ".؟?")
        ]
        assert found == []

    @LANGUAGES
    def test_is_composed(self, language):
        assert [text for _sentence, text in texts(language) if not unicodedata.is_normalized("NFC", text)] == []


class TestPersian:
    FA = catalogues.LANGUAGES[1]

    def test_has_no_arabic_letters(self):
        assert faulty(self.FA, "[كيىةؤإ]") == []

    def test_has_no_digits_of_another_script(self):
        for language in catalogues.LANGUAGES:
            assert faulty(language, "[٠-٩۰-۹]") == []

    @pytest.mark.parametrize(
        "pattern",
        [
            r"(?:^|\s)ن?می\s",
            r"\sها(?:ی|یی)?(?:\s|$|[.،؛])",
            r"\w\sتر(?:ین)?\s",
            f"{ZWNJ}(?:\\s|$)",
            f"\\s{ZWNJ}",
            f"{ZWNJ}{ZWNJ}",
        ],
        ids=["verbs", "plurals", "comparison", "at an end", "at a beginning", "twice"],
    )
    def test_joins_what_belongs_together_by_a_half_space(self, pattern):
        assert faulty(self.FA, pattern) == []


class TestArabic:
    AR = catalogues.LANGUAGES[2]

    def test_has_no_persian_letters_and_no_half_spaces(self):
        assert faulty(self.AR, f"[کیگچپژ{ZWNJ}]") == []

    def test_puts_the_accusative_sign_before_its_alif(self):
        assert faulty(self.AR, "اً") == []
