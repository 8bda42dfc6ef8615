"""Validate SOCIAL_PROVIDERS. Each fault is a sentence, which never contains a secret."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from accounts.identifiers.domains import ascii_domain

KINDS = ("google", "microsoft", "facebook", "openid_connect")
NAMES = {"google": "Google", "microsoft": "Microsoft", "facebook": "Facebook"}
FIXED_ISSUERS = {"google": "https://accounts.google.com", "facebook": "https://www.facebook.com"}
# Issuers of any tenant: each tenant may claim any e-mail address.
ANY_TENANT = ("/common", "/organizations", "/consumers")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")

Faults = Iterator[str]


def read(entries: Any, *, is_development: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the providers, complete with defaults, and the faults of the entries."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return [], ["SOCIAL_PROVIDERS must be a JSON list of objects."]
    providers: list[dict[str, Any]] = []
    faults: list[str] = []
    for number, entry in enumerate(entries, start=1):
        where = f"SOCIAL_PROVIDERS: {entry['id']!r}" if _is_id(entry.get("id")) else f"SOCIAL_PROVIDERS: entry {number}"
        found = [f"{where} {fault}" for fault in _faults(entry, is_development=is_development)]
        faults += found
        if not found:
            providers.append(_complete(entry))
    ids = [provider["id"] for provider in providers]
    faults += [f"SOCIAL_PROVIDERS: {twice!r} stands there twice." for twice in {i for i in ids if ids.count(i) > 1}]
    return providers, faults


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


_MEMBERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "id": (_is_id, "1 to 50 small letters, digits, hyphens and underscores"),
    "kind": (lambda value: value in KINDS, f"one of {', '.join(KINDS)}"),
    "client_id": (_is_text, "a text"),
    "secret": (_is_text, "a text"),
    "secret_file": (_is_text, "the path of a file"),
    "issuer": (_is_text, "a URL"),
    "name": (_is_text, "a text"),
    "scopes": (_is_list_of_texts, "a list of texts"),
    "redirect_uris": (_is_list_of_texts, "a list of URLs"),
    "token_audiences": (_is_list_of_texts, "a list of client ids"),
    "trusted_for_email": (
        lambda value: isinstance(value, bool) or _is_list_of_texts(value),
        "true, false or a list of domains",
    ),
    "store_tokens": (lambda value: isinstance(value, bool), "true or false"),
    "graph_url": (_is_text, "a URL"),
}


def _faults(entry: Mapping[str, Any], *, is_development: bool) -> Faults:
    for name in sorted(set(entry) - set(_MEMBERS)):
        yield f"has no member {str(name)[:40]!r}."
    for name in ("id", "kind", "client_id"):
        if name not in entry:
            yield f"has no `{name}`."
    for name, (is_right, wanted) in _MEMBERS.items():
        if name in entry and not is_right(entry[name]):
            yield f"has a `{name}` that is not {wanted}."
            return
    trusted = entry.get("trusted_for_email")
    for domain in trusted if isinstance(trusted, list) else ():
        if ascii_domain(domain.removeprefix("@")) is None:
            yield f"trusts {domain[:80]!r} for addresses, which is no domain."
    yield from _secret_faults(entry)
    yield from _url_faults(entry, is_development=is_development)


def _secret_faults(entry: Mapping[str, Any]) -> Faults:
    if "secret" in entry and "secret_file" in entry:
        yield "has both `secret` and `secret_file`; keep one of them."
    elif entry.get("kind") in ("google", "microsoft", "facebook") and not {"secret", "secret_file"} & set(entry):
        yield "has neither `secret` nor `secret_file`."
    elif "secret_file" in entry and not _content(entry["secret_file"]):
        yield "names a `secret_file` that can't be read or is empty."


def _url_faults(entry: Mapping[str, Any], *, is_development: bool) -> Faults:
    kind, issuer = entry.get("kind"), entry.get("issuer")
    if kind in ("microsoft", "openid_connect") and issuer is None:
        yield "has no `issuer`."
    if kind == "microsoft" and issuer and any(part in issuer for part in ANY_TENANT):
        yield (
            "must name one tenant in `issuer` (https://login.microsoftonline.com/<tenant id>/v2.0): "
            "of the others anybody can claim any address."
        )
    if kind != "facebook" and "graph_url" in entry:
        yield "has a `graph_url`, which only facebook has."
    for name in ("issuer", "graph_url"):
        if name in entry and not _is_secure(entry[name], is_development=is_development):
            yield f"must have an `{name}` that begins with https://, without query and fragment."
    for uri in entry.get("redirect_uris", ()):
        yield from _redirect_faults(uri)


def _redirect_faults(uri: str) -> Faults:
    parts = _parts(uri)
    if parts is None or not parts.scheme or "*" in uri or parts.fragment or parts.scheme in ("javascript", "data"):
        yield "has a redirect URI that is not a whole address: they are compared to the letter (RFC 9700, 2.1)."
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield "has a redirect URI that begins with http://: codes must not travel in the clear."


def _is_secure(url: str, *, is_development: bool) -> bool:
    parts = _parts(url)
    if parts is None:
        return False
    is_plain = parts.scheme == "http" and is_development and parts.hostname in LOOPBACK
    return (parts.scheme == "https" or is_plain) and bool(parts.hostname) and not (parts.query or parts.fragment)


def _parts(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _complete(entry: Mapping[str, Any]) -> dict[str, Any]:
    kind = entry["kind"]
    secret = _content(entry["secret_file"]) if "secret_file" in entry else entry.get("secret", "")
    given = {name: value for name, value in entry.items() if name != "secret_file"}
    issuer = entry.get("issuer") or FIXED_ISSUERS[kind]
    return {"name": NAMES.get(kind, entry["id"]), **given, "secret": secret, "issuer": issuer}
