"""The pages that `make screenshots` takes: those of the URLconf and of the admin, and the mails."""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib import admin
from django.urls import get_resolver, reverse

from cedrina.http.paths import MAILED_LINK_PREFIX
from cedrina.tooling.screenshots.demo_data import DemoData
from security_events.models import SecurityEvent

# Pages with a variable part that is no row and no token, and addresses that answer with an error.
_SAMPLE_PATHS = {
    "account-done": "/account/done/password-set",
    "account-nothing": "/account/nothing",
    "admin-nothing": "/admin/nothing",
    "admin-access-policyrule-asked": (
        "/admin/access/policyrule/tester/?subject=amina&action=read&object=documents/payroll"
    ),
    "dev-mail-preview": "/dev/mail/preview/new_device/en",
    "dev-mail-nothing": "/dev/mail/nothing",
    "nothing": "/nothing",
}
_PAGES_OUTSIDE_ADMIN = ("/account/", "/api/docs", "/dev/")


@dataclass(frozen=True, slots=True)
class ScreenshotPage:
    """One page: its address, or the HTML of a mail.

    ``fill``: what is entered into which input (CSS selector). With ``is_submitted`` the form is sent, to show what
    follows. ``waits_for``: a selector of what a script adds.
    """

    name: str
    path: str = ""
    html: str = ""
    is_signed_in: bool = False
    fill: Mapping[str, str] = field(default_factory=dict)
    is_submitted: bool = False
    waits_for: str = ""


def all_pages(data: DemoData, *, only: str = "*") -> Sequence[ScreenshotPage]:
    """Return the pages whose name matches ``only`` (fnmatch), each once, in the order of the site."""
    found = {page.name: page for page in (*_site_pages(data), *_mailed_pages(data), *_admin_pages(), *_mails(data))}
    return [page for name, page in found.items() if fnmatch.fnmatch(name, only)]


def _site_pages(data: DemoData) -> Iterator[ScreenshotPage]:
    for path in _fixed_paths():
        if path == "/" or (path.startswith(_PAGES_OUTSIDE_ADMIN) and "/brand/" not in path):
            waits_for = ".opblock" if path == "/api/docs" else ""
            yield ScreenshotPage(name=path.strip("/").replace("/", "-") or "start", path=path, waits_for=waits_for)
    yield ScreenshotPage(name="dev-mail-one", path=data.newest_mail)
    for name, path in _SAMPLE_PATHS.items():
        yield ScreenshotPage(name=name, path=path, is_signed_in=path.startswith("/admin/"))
    yield ScreenshotPage(
        name="account-forgot-password-refused",
        path="/account/forgot-password",
        fill={"#email": "a@b"},
        is_submitted=True,
    )


def _fixed_paths() -> list[str]:
    return [path for path in _paths(get_resolver().url_patterns, "/") if "<" not in path and "(" not in path]


def _paths(patterns: Sequence[object], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"  # type: ignore[attr-defined]  # Django's patterns have no common type
        if hasattr(pattern, "url_patterns"):
            yield from _paths(pattern.url_patterns, path)
        else:
            yield path


def _mailed_pages(data: DemoData) -> Iterator[ScreenshotPage]:
    for name, path in data.mailed_paths.items():
        yield ScreenshotPage(name=f"account-{name}", path=path)
        yield ScreenshotPage(name=f"account-{name}-expired", path=f"{MAILED_LINK_PREFIX}{name}/cdm_nothing")
    yield ScreenshotPage(
        name="account-reset-password-refused",
        path=data.mailed_paths["reset-password"],
        fill={"#new_password": "password1234", "#new_password_again": "password1234"},
        is_submitted=True,
    )
    yield ScreenshotPage(name="account-confirm-email-asks", path=data.mailed_paths["confirm-email"], is_submitted=True)


def _admin_pages() -> Iterator[ScreenshotPage]:
    """Yield the overview, and of each registered model the list, the form to add and the pages of its first row."""
    yield ScreenshotPage(name="admin-login", path=reverse("admin:login"))
    yield ScreenshotPage(
        name="admin-login-refused",
        path=reverse("admin:login"),
        fill={"#id_username": "nobody", "#id_password": "a wrong password"},
        is_submitted=True,
    )
    yield ScreenshotPage(name="admin-index", path=reverse("admin:index"), is_signed_in=True)
    shown = "#connection[data-state=live]"
    yield ScreenshotPage(name="admin-console", path=reverse("console"), is_signed_in=True, waits_for=shown)
    event = SecurityEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    shown, path = "dialog[open] .console-facts", f"{reverse('console')}#event={event}"
    yield ScreenshotPage(name="admin-console-event", path=path, is_signed_in=True, waits_for=shown)
    for model, model_admin in admin.site._registry.items():  # noqa: SLF001 - the only list of what is registered
        options = model._meta
        names = f"admin:{options.app_label}_{options.model_name}"
        name = f"admin-{options.app_label}-{options.model_name}"
        yield ScreenshotPage(name=name, path=reverse(f"{names}_changelist"), is_signed_in=True)
        for url in model_admin.get_urls():
            last = (getattr(url, "name", "") or "").removeprefix(f"{options.app_label}_{options.model_name}_")
            route = str(url.pattern)
            if not last or last == "changelist" or route.endswith(".txt"):
                continue
            if "<" not in route:
                yield ScreenshotPage(name=f"{name}-{last}", path=reverse(f"admin:{url.name}"), is_signed_in=True)
            elif (row := model._default_manager.first()) is not None and route.count("<") == 1:
                path = reverse(f"admin:{url.name}", args=[row.pk])
                yield ScreenshotPage(name=f"{name}-{last}", path=path, is_signed_in=True)


def _mails(data: DemoData) -> Iterator[ScreenshotPage]:
    for kind, html in data.mails.items():
        yield ScreenshotPage(name=f"mail-{kind}", html=html)
