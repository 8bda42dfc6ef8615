"""The tool that keeps the catalogues in step with the code finds every fault that can be planted."""

import gettext
import io
from pathlib import Path

import django
import pytest
import rest_framework
from babel import Locale
from django.core.management import CommandError, call_command

from cedrina.tooling.translations import catalogues
from cedrina.tooling.translations.borrowed import SENTENCES
from cedrina.tooling.translations.extraction import Sentence, sentences
from cedrina.tooling.translations.upkeep import found_faults, update

CODE = """
from django.utils.translation import gettext, gettext_lazy as _, ngettext, pgettext
GREETING = _("Hello <b>%(name)s</b>")
def say(n):
    gettext("Several " "pieces.\\n")
    gettext(variable)
    ngettext("%(n)d key", "%(n)d keys", n)
    return pgettext("of a month", "May")
"""
PAGE = """{% load i18n %}<html>
      <p>it's {% translate "Good morning" %}</p>
   {% blocktranslate trimmed with x=y %}
       Two
       lines of {{ x }}, 100%
   {% endblocktranslate %}
{% blocktranslate count n=rows %}One row{% plural %}{{ n }} rows{% endblocktranslate %}{{ _("In a variable") }}
{% translate "May" context "permission" %}
"""
FOUND = [
    Sentence("%(n)d key", plural="%(n)d keys"),
    Sentence("Good morning"),
    Sentence("Hello <b>%(name)s</b>"),
    Sentence("In a variable"),
    Sentence("May", context="of a month"),
    Sentence("May", context="permission"),
    Sentence("One row", plural="%(n)s rows"),
    Sentence("Several pieces.\n"),
    Sentence("Two lines of %(x)s, 100%%"),
]
NUMBERS = [*range(212), 1000, 1001, 1002, 1003, 1011, 1_000_000]


@pytest.fixture
def project(tmp_path):
    """Give a small project whose catalogues are complete."""
    write(tmp_path / "accounts" / "words.py", CODE)
    write(tmp_path / "accounts" / "migrations" / "0001.py", 'verbose_name = _("Not this")')
    write(tmp_path / "accounts" / "templates" / "page.html", "{% load i18n %}")
    write(tmp_path / "templates" / "page.html", PAGE)
    write(tmp_path / "elsewhere" / "words.py", '_("Nor this")')
    update(tmp_path)
    for language in catalogues.LANGUAGES:
        change(tmp_path, language, {sentence: f"~{sentence.plural or sentence.singular}" for sentence in FOUND})
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def change(root, language, translations):
    """Translate sentences, in all plural forms alike where no tuple is given."""
    source, compiled = catalogues.paths(root, language)
    entries = catalogues.read(source)
    for sentence, words in translations.items():
        entry = entries[sentence.singular, sentence.context]
        entry.string = (words,) * language.forms if sentence.plural and isinstance(words, str) else words
    catalogue = catalogues.merged(language, sentences(root), entries)
    source.write_bytes(catalogues.source_form(catalogue))
    compiled.write_bytes(catalogues.compiled_form(catalogue))


def edit(root, code, old, new):
    """Replace something in the text of a catalogue."""
    path = root / "locale" / code / "LC_MESSAGES" / "django.po"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def command(root, action):
    out, err = io.StringIO(), io.StringIO()
    call_command("translations", action, "--root", str(root), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


ES, FA, AR = catalogues.LANGUAGES
GREETING, KEYS = FOUND[2], FOUND[0]


class TestSentences:
    def test_are_found_in_code_and_templates(self, project):
        assert sentences(project) == FOUND

    def test_that_occur_with_and_without_a_plural_are_one(self, project):
        write(project / "tokens" / "words.py", 'gettext("%(n)d key")')

        assert sentences(project) == FOUND


class TestUpdate:
    def test_changes_nothing_where_nothing_changed(self, project):
        before = {path: path.read_bytes() for path in (project / "locale").rglob("*.?o")}

        assert command(project, "update") == ("The catalogues are complete.\n", "")
        assert {path: path.read_bytes() for path in (project / "locale").rglob("*.?o")} == before
        assert len(before) == 6

    def test_adds_what_is_new_drops_what_is_gone_and_keeps_the_rest(self, project):
        edit(project, "fa", 'msgid "Good morning"', '# Until noon.\nmsgid "Good morning"')
        write(project / "accounts" / "words.py", '_("A new one")')

        out, err = command(project, "update")

        assert (out, err) == ("1 faults left.\n", "es, fa, ar: 'A new one' is not translated.\n")
        text = catalogues.paths(project, FA)[0].read_text(encoding="utf-8")
        assert 'msgid "A new one"\nmsgstr ""\n' in text
        assert '# Until noon.\nmsgid "Good morning"\nmsgstr "~Good morning"\n' in text
        assert "Hello" not in text

    def test_writes_neither_dates_nor_places(self, project):
        text = catalogues.paths(project, ES)[0].read_text(encoding="utf-8")

        assert "Date" not in text
        assert "#:" not in text


class TestTheCompiledCatalogue:
    def test_is_what_gettext_reads(self, project):
        with catalogues.paths(project, AR)[1].open("rb") as file:
            compiled = gettext.GNUTranslations(file)

        assert compiled.gettext("Good morning") == "~Good morning"
        assert compiled.pgettext("permission", "May") == "~May"
        assert compiled.ngettext("%(n)d key", "%(n)d keys", 3) == "~%(n)d keys"

    @pytest.mark.parametrize("language", catalogues.LANGUAGES, ids=lambda language: language.code)
    def test_counts_as_the_language_does(self, language):
        """CLDR says which form a whole number takes; the forms stand in its order."""
        rule, spoken = gettext.c2py(language.rule), Locale.parse(language.code).plural_form
        order = [tag for tag in ("zero", "one", "two", "few", "many", "other") if tag in {*spoken.tags, "other"}]
        # Millions are a form of their own in Spanish, which the sentences of this product never reach.
        names = [name for name in order if not (language.code == "es" and name == "many")]

        assert len(names) == language.forms
        for number in NUMBERS:
            expected = spoken(number).replace("many", "other") if language.code == "es" else spoken(number)
            assert names[rule(number)] == expected, number

    @pytest.mark.parametrize("language", catalogues.LANGUAGES, ids=lambda language: language.code)
    def test_may_leave_a_number_to_a_word_where_the_form_is_for_that_number_alone(self, language):
        rule = gettext.c2py(language.rule)
        forms = [rule(number) for number in NUMBERS]

        assert language.exact == {form for form in forms if forms.count(form) == 1}


class TestCheck:
    def test_finds_nothing_where_nothing_is_wrong(self, project):
        assert command(project, "check") == ("The catalogues are complete.\n", "")

    def test_fails_and_names_each_fault(self, project):
        change(project, ES, {FOUND[1]: ""})
        edit(project, "fa", 'msgid "Good morning"', '#, fuzzy\nmsgid "Good morning"')

        err = io.StringIO()
        with pytest.raises(CommandError):
            call_command("translations", "check", "--root", str(project), stdout=io.StringIO(), stderr=err)

        assert "es: 'Good morning' is not translated.\n" in err.getvalue()
        assert "fa: 'Good morning' is fuzzy.\n" in err.getvalue()

    def test_finds_what_is_missing_and_what_is_obsolete(self, project):
        write(project / "tokens" / "words.py", '_("New")\npgettext("tense", "Now")')
        write(project / "accounts" / "words.py", CODE.replace("Hello", "Good day"))

        found = found_faults(project)

        assert "es, fa, ar: 'New' is missing." in found
        assert "es, fa, ar: 'Now' (tense) is missing." in found
        assert "es, fa, ar: 'Hello <b>%(name)s</b>' is obsolete." in found

    def test_finds_what_was_commented_out(self, project):
        path = catalogues.paths(project, ES)[0]
        path.write_text(path.read_text(encoding="utf-8") + '\n#~ msgid "Old"\n#~ msgstr "Viejo"\n', encoding="utf-8")

        assert found_faults(project) == ["es: 'Old' is obsolete.", "es: django.po is not as it would be written."]

    @pytest.mark.parametrize(
        ("sentence", "words", "fault"),
        [
            (GREETING, "<b>%(nombre)s</b>", "other placeholders"),
            (GREETING, "<b>nombre</b>", "other placeholders"),
            (GREETING, "<b>%(name)d</b>", "other placeholders"),
            (GREETING, "<b>%(name)s %s</b>", "other placeholders"),
            (GREETING, "<b>%(name)s {name}</b>", "other placeholders"),
            (GREETING, "<i>%(name)s</i>", "other tags"),
            (GREETING, "<b>%(name)s", "other tags"),
            (GREETING, " <b>%(name)s</b>", "other white space"),
            (GREETING, "<b>%(name)s</b>\n", "other white space"),
            (FOUND[7], "Several pieces.", "other white space"),
            (FOUND[8], "%(x)s, 100", "other placeholders"),
            (KEYS, ("", "%(n)d"), "is not translated"),
            (KEYS, ("uno", "muchos"), "other placeholders"),
        ],
    )
    def test_finds_damage(self, project, sentence, words, fault):
        change(project, ES, {sentence: words})

        found = found_faults(project)

        assert len(found) == 1
        assert found[0].startswith(f"es: {sentence} ")
        assert fault in found[0]

    def test_lets_a_word_stand_for_the_number_one_in_spanish_and_not_in_persian(self, project):
        for language in (ES, FA):
            change(project, language, {KEYS: ("one key", "%(n)d keys")})

        assert found_faults(project) == ["fa: '%(n)d key' has other placeholders in 'one key'."]

    @pytest.mark.parametrize("form", ["", 'msgstr[5] ""\n'])
    def test_finds_a_plural_form_that_lacks(self, project, form):
        edit(project, "ar", 'msgstr[5] "~%(n)d keys"\n', form)

        assert "ar: '%(n)d key' is not translated." in found_faults(project)

    def test_finds_a_plural_that_the_sentence_got_later(self, project):
        write(project / "tokens" / "words.py", 'ngettext("Good morning", "Good mornings", n)')

        assert "es, fa, ar: 'Good morning' has another number of plural forms." in found_faults(project)

    def test_finds_what_was_not_compiled(self, project):
        edit(project, "ar", "~Good morning", "~Morning")
        assert found_faults(project) == ["ar: django.mo is not what django.po compiles to."]

        catalogues.paths(project, AR)[1].unlink()
        assert found_faults(project) == ["ar: django.mo is not what django.po compiles to."]

    def test_finds_a_catalogue_that_is_not_there(self, project):
        catalogues.paths(project, FA)[0].unlink()

        assert "fa: 'Good morning' is missing." in found_faults(project)


class TestBorrowedSentences:
    def test_are_the_frameworks_own(self):
        """A translation of a sentence that the frameworks have changed would never be used."""
        words = "\n".join(
            path.read_text(encoding="utf-8")
            for package in (django, rest_framework)
            for path in Path(package.__file__).parent.rglob("*")
            if path.suffix in {".py", ".html"} and "locale" not in path.parts
        )
        assert [sentence for sentence in SENTENCES if sentence not in words] == []
