"""Pages run under a content security policy without inline scripts, so they have none."""

from html.parser import HTMLParser

from tests.architecture.source import files, name_of
from tests.for_each import for_each

TEMPLATES = [path for path in files() if path.suffix == ".html"]


class Faults(HTMLParser):
    """Notes what the policy would refuse."""

    def __init__(self, *, is_mail):
        super().__init__()
        self.found = []
        self.is_mail = is_mail

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "script" and not given.get("src"):
            self.found.append("a script in the page")
        if tag == "style" and not self.is_mail:
            self.found.append("a style in the page")
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(name)
            if (value or "").strip().lower().startswith("javascript:"):
                self.found.append(value)
            # Mail programs know no style sheets.
            if name == "style" and not self.is_mail:
                self.found.append("a style in a tag")


class TestATemplate:
    @for_each("path", TEMPLATES, ids=name_of)
    def test_has_no_script_of_its_own(self, path):
        faults = Faults(is_mail="mail" in path.parts)
        faults.feed(path.read_text(encoding="utf-8"))
        assert faults.found == []

    @for_each("path", TEMPLATES, ids=name_of)
    def test_marks_nothing_as_safe(self, path):
        text = path.read_text(encoding="utf-8")
        assert "|safe" not in text
        assert "autoescape off" not in text
