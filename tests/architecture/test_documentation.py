"""What the documentation names is there: files, modules, names in them, tests, links and hooks."""

import importlib
import re
from functools import cache
from importlib.util import find_spec

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.urls import Resolver404, URLResolver, get_resolver, resolve
from django.utils.module_loading import import_string

from accounts.access.conf import access_settings
from accounts.conf import account_settings
from ratelimiting.conf import rate_limiting_settings
from security_events.conf import security_event_settings
from tests.architecture.source import PRODUCT, ROOT, files, name_of, python
from tests.for_each import for_each
from tokens.conf import token_settings

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.(?:py|md|sh|lua|conf|toml|json|yml|in)|(?:[\w-]+/)+[\w.-]*")
DOTTED = re.compile(rf"(?:{'|'.join(PRODUCT)})(?:\.[A-Za-z_]\w*)+")
IMPORT = re.compile(rf"^ *from ((?:{'|'.join(PRODUCT)})[\w.]*) import (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ROUTE = re.compile(r"(?:(?:[A-Z]+|WebSocket) )?(?P<path>/[\w./{}<>-]*)(?:\?.*)?")
PLACEHOLDER = re.compile(r"\{\w+\}|<\w+>")
FOLDERS = ("/etc/", "/run/", "/tmp/", "/usr/", "/var/", "/static/", "//")
# Paths that a page names because they lead nowhere, that are the beginning of others, or that readers of a how-to add.
NO_ROUTES = {"/Login", "/login/", "/api/v1", "/api/v1/auth/me/department", "/v1/traces"}
SOCKETS = {"/ws/health/", "/ws/account/", "/ws/authz/", "/ws/security-events/", "/ws/incidents/"}
TOP = {path.name for path in ROOT.iterdir() if path.is_dir()}
NAMES = {path.name for path in files()}
TEXT_OF_PRODUCT = "\n".join(path.read_text(encoding="utf-8") for path in python(*PRODUCT))
TEXT_OF_TESTS = "\n".join(path.read_text(encoding="utf-8") for path in python("tests"))

# What a reader of a how-to writes.
WRITTEN_BY_READERS = {
    "accounts/services/profile/department.py",
    "tests/accounts/services/profile/test_department.py",
    "accounts/factors/hotp.py",
    "accounts/services/factors/hotp_enrolment.py",
    "accounts/api/views/factors/hardware_tokens.py",
    "tests/accounts/factors/test_hotp.py",
    "tests/accounts/services/factors/test_hotp_enrolment.py",
    "tests/accounts/api/factors/test_hardware_tokens.py",
    "accounts.models.HotpSecret",
    "accounts.factors.hotp",
    "tests.factories.factors.add_hotp",
}


def prose(page):
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def named_paths(page):
    """Return what a page names as a file or folder of the project."""
    for span in SPAN.findall(prose(page)):
        if PATH.fullmatch(span):
            first, _, rest = span.partition("/")
            if (rest and first in TOP) or (not rest and span.endswith(".py")):
                yield span


def named_routes(page):
    """Return what a page names as a path of this server: `/livez`, `POST /auth/login`, `/auth/me?fields=…`."""
    for span in SPAN.findall(prose(page)):
        found = ROUTE.fullmatch(span)
        if found and not found["path"].startswith(FOLDERS):
            yield found["path"]


def is_route(path):
    """Return whether a path, below `/api/v1` or not, leads to a view or, with a slash at its end, to several."""
    for text in ("0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10", "1", "text"):
        given = PLACEHOLDER.sub(text, path)
        if any(leads_to_view(f"{base}{given}") for base in ("", "/api/v1")):
            return True
    return path.endswith("/") and any(known.startswith((path, f"/api/v1{path}")) for known in known_paths())


def leads_to_view(path):
    try:
        return not resolve(path).view_name.endswith("catch_all_view")
    except Resolver404:
        return path in SOCKETS


@cache
def known_paths():
    return {*paths_of(get_resolver().url_patterns, "/"), *SOCKETS}


def paths_of(patterns, prefix):
    for each in patterns:
        path = prefix + str(each.pattern)
        yield from paths_of(each.url_patterns, path) if isinstance(each, URLResolver) else [path]


def is_there(path):
    return (ROOT / path).exists() if "/" in path else path in NAMES


def resolves(dotted):
    """Return whether a dotted path leads to a module or to a name in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            found = find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if found and length == len(parts):
            return True  # without importing it: some modules start what they serve
        if found:
            value = importlib.import_module(module)
            for name in parts[length:]:
                if not hasattr(value, name):
                    return name in getattr(value, "__annotations__", {})
                value = getattr(value, name)
            return True
    return False


def anchors(page):
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


each_page = for_each("page", PAGES, ids=name_of)


class TestAPage:
    @each_page
    def test_names_files_that_are_there(self, page):
        assert [path for path in named_paths(page) if not is_there(path) and path not in WRITTEN_BY_READERS] == []

    @each_page
    def test_names_modules_and_names_that_are_there(self, page):
        dotted = [span for span in SPAN.findall(prose(page)) if DOTTED.fullmatch(span)]
        files_of_top = {name for name in dotted if (ROOT / name).exists() or name.endswith((".py", ".env"))}
        found = [name for name in dotted if name not in files_of_top | WRITTEN_BY_READERS]
        # Ids of checks and names of loggers look alike, and stand as texts in the code.
        assert [name for name in found if f'"{name}"' not in TEXT_OF_PRODUCT and not resolves(name)] == []

    @each_page
    def test_names_tests_that_are_there(self, page):
        named = [span for span in SPAN.findall(prose(page)) if re.fullmatch(r"test_\w+", span)]
        assert [name for name in named if f"def {name}(" not in TEXT_OF_TESTS] == []

    @each_page
    def test_names_routes_that_are_there(self, page):
        found = [path for path in named_routes(page) if path not in NO_ROUTES and not is_route(path)]
        assert found == []

    @each_page
    def test_names_targets_that_make_knows(self, page):
        named = re.findall(r"`make ([a-z-]+)", prose(page))
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []

    @each_page
    def test_imports_what_is_there(self, page):
        blocks = "\n".join(text for _language, text in FENCE.findall(page.read_text(encoding="utf-8")))
        imported = [
            f"{module}.{name.strip().partition(' as ')[0]}"
            for module, names in IMPORT.findall(blocks)
            for name in names.partition("#")[0].strip().strip("()").split(",")
            if name.strip()
        ]
        assert [name for name in imported if not resolves(name) and name not in WRITTEN_BY_READERS] == []

    @each_page
    def test_links_to_what_is_there(self, page):
        for target in LINK.findall(prose(page)):
            path, _, anchor = target.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), target
            if anchor:
                assert anchor in anchors(linked), target


class TestTheIndex:
    def test_has_each_command_that_operators_run(self):
        ours = {
            name
            for name, app in get_commands().items()
            if app.partition(".")[0] in PRODUCT and app != "cedrina.tooling" and name != "migrate"
        }
        table = (ROOT / "docs" / "README.md").read_text(encoding="utf-8").partition("\n## Commands\n")[2]
        assert {name for row in re.findall(r"^\| .*$", table, re.MULTILINE) for name in SPAN.findall(row)} == ours

    def test_has_each_page(self):
        index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
        pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
        assert pages <= set(LINK.findall(index))


class TestDocstrings:
    def test_name_modules_and_names_that_are_there(self):
        named = {
            name
            for path in python(*PRODUCT)
            for name in re.findall(r"``([^`\n]+)``", path.read_text(encoding="utf-8"))
            if DOTTED.fullmatch(name)
        }
        assert [name for name in sorted(named) if not name.endswith((".py", ".lua")) and not resolves(name)] == []


def table_of_hooks():
    """Return the rows of the table of hooks as (setting, default, in Cedrina)."""
    section = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("\n## Hooks\n")[2]
    rows = re.findall(r'^\| `([A-Z_]+\["[^`]+)` \|(.*)\|$', section, re.MULTILINE)
    found = {}
    for setting, cells in rows:
        *_, default, connected = (cell.strip().strip("`") for cell in cells.split("|"))
        found[setting] = (default, connected)
    return found


def hooks_of(app_settings):
    """Return the names of the settings that hold a dotted path, by what their docstrings say."""
    members = vars(type(app_settings))
    return [name for name in app_settings.names() if "dotted path" in (members[name].__doc__ or "").lower()]


class TestTheTableOfHooks:
    @pytest.mark.parametrize(
        "app_settings",
        [access_settings, account_settings, token_settings, rate_limiting_settings, security_event_settings],
    )
    def test_has_each_setting_that_holds_a_dotted_path(self, app_settings):
        listed = {tuple(re.findall(r"[A-Z_]+", setting)[:2]) for setting in table_of_hooks()}
        expected = {(app_settings.SETTING, name) for name in hooks_of(app_settings)}
        assert {row for row in listed if row[0] == app_settings.SETTING} == expected

    def test_has_each_named_key(self):
        listed = {setting for setting in table_of_hooks() if '["KEYS"]' in setting}
        assert listed == {f'RATELIMITING["KEYS"]["{name}"]' for name in settings.RATELIMITING["KEYS"]}

    @pytest.mark.parametrize("setting", table_of_hooks())
    def test_says_what_is_connected_and_what_is_the_default(self, setting):
        default, connected = table_of_hooks()[setting]
        name, *keys = re.findall(r"\w+", setting)
        value = getattr(settings, name)
        for key in keys:
            value = value[key]
        assert value == connected
        assert callable(import_string(connected))
        if default not in ("None", "none"):
            assert callable(import_string(default))
            assert f'"{default}"' in TEXT_OF_PRODUCT
