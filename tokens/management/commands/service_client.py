"""Register service clients, change and delete them."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import OperatorCommand
from security_events.types import NO_SUBJECT
from tokens import selectors
from tokens.api.response_bodies import service_client_body
from tokens.errors import ServiceClientInvalid, TokenError
from tokens.models import ServiceClient
from tokens.service_clients.members import CLIENT_SECRET, PRIVATE_KEY_JWT, validate_rotation, validated_members
from tokens.service_clients.scopes import SCOPES
from tokens.services import service_clients
from tokens.services.service_clients import MAX_OVERLAP, Operator, RegisteredClient

_LONGEST_LIST = 10_000


class Command(OperatorCommand):
    help = gettext_noop(
        "Register service clients, which get access tokens without a person. A secret is shown once: copy it at once."
    )
    examples = ("service_client list", 'service_client create prometheus --scope=metrics:read --reason "Monitoring"')
    destroys = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add_create(actions)
        self._add(actions, "list", gettext("show all clients"))
        for name, text in (
            ("show", gettext("show one client")),
            ("rotate", gettext("give a client a new secret")),
            ("disable", gettext("refuse a client and its access tokens at once")),
            ("enable", gettext("let a client in again")),
            ("delete", gettext("delete a client, its secrets and its access tokens")),
        ):
            parser = self._add(actions, name, text)
            parser.add_argument("client", help=gettext("the id or the name of the client"))
            if name != "show":
                self.add_reason_argument(parser)
            if name == "rotate":
                parser.add_argument(
                    "--overlap",
                    type=int,
                    default=86_400,
                    metavar="SECONDS",
                    help=gettext("for how long the secret before is accepted, 86400 by default; 0 after a leak"),
                )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._actions[options["action"]](self, options)
        except ServiceClientInvalid as error:
            self.fail(error.code, force_str(error.sentence))
        except TokenError as error:
            self.fail(error.code, force_str(error.message))

    def sentence(self, result: dict[str, Any]) -> str:
        clients = result["clients"] if "clients" in result else [result["client"]]
        lines = [_SENTENCES[result["result"]]] if result["result"] in _SENTENCES else []
        lines = [gettext(line) for line in lines]
        for client in clients:
            state = gettext("enabled") if client["is_enabled"] else gettext("disabled")
            used = client["last_used_at"] or gettext("never used")
            lines.append(f"{client['id']}  {client['name']}  {' '.join(client['scopes'])}  {state}  {used}")
        if "client_secret" in result:
            lines.append(gettext("The secret, which is shown only now: %(client_secret)s") % result)
        return "\n".join(lines)

    def _add(self, actions: Any, name: str, text: str) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=text)
        super().add_arguments(parser)
        return parser

    def _add_create(self, actions: Any) -> None:
        parser = self._add(actions, "create", gettext("register a client"))
        parser.add_argument("name", help=gettext("a name that no other client has"))
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=sorted(SCOPES),
            help=gettext("what it may do; more than once for several"),
        )
        parser.add_argument("--description", default="", help=gettext("what it is for"))
        parser.add_argument(
            "--jwks",
            type=Path,
            metavar="FILE",
            help=gettext("a JSON file of public keys: the client signs assertions and gets no secret"),
        )
        self.add_reason_argument(parser)

    def _create(self, options: dict[str, Any]) -> dict[str, Any]:
        jwks = None if options["jwks"] is None else self._key_set(options["jwks"])
        members = {
            "name": options["name"],
            "description": options["description"],
            "scopes": options["scope"],
            "authentication_method": CLIENT_SECRET if jwks is None else PRIVATE_KEY_JWT,
            "jwks": jwks,
        }
        if options["dry_run"]:
            planned = ServiceClient(**validated_members(members), created_at=timezone.now())
            return {"result": "would_create", "client": _body(planned, has_secrets=False)}
        made = service_clients.register(members=members, operator=_operator(options), now=timezone.now())
        return _with_secret("created", made)

    def _key_set(self, path: Path) -> Any:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            self.fail("unreadable", gettext("%(file)s can't be read as JSON. Name another file.") % {"file": path})

    def _list(self, _options: dict[str, Any]) -> dict[str, Any]:
        rows = selectors.service_clients_page(after=None, limit=_LONGEST_LIST)
        return {"result": "listed", "clients": [_body(row) for row in rows]}

    def _show(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"result": "shown", "client": _body(_client(options))}

    def _rotate(self, options: dict[str, Any]) -> dict[str, Any]:
        client, overlap = _client(options), timedelta(seconds=min(max(options["overlap"], -1), 10**9))
        method = client.authentication_method
        validate_rotation(authentication_method=method, overlap=overlap, longest=MAX_OVERLAP)
        question = gettext("Give %(name)s a new secret?")
        self.confirm(question % {"name": client.name}, options)
        if options["dry_run"]:
            return {"result": "would_rotate", "client": _body(client)}
        rotated = service_clients.rotate_secret(
            client_id=client.pk, overlap=overlap, operator=_operator(options), now=timezone.now()
        )
        return _with_secret("rotated", rotated)

    def _disable(self, options: dict[str, Any]) -> dict[str, Any]:
        return self._switch(options, is_enabled=False)

    def _enable(self, options: dict[str, Any]) -> dict[str, Any]:
        return self._switch(options, is_enabled=True)

    def _switch(self, options: dict[str, Any], *, is_enabled: bool) -> dict[str, Any]:
        client = _client(options)
        if not is_enabled:
            self.confirm(gettext("Refuse %(name)s from now on?") % {"name": client.name}, options)
        if options["dry_run"]:
            return {"result": "would_enable" if is_enabled else "would_disable", "client": _body(client)}
        service_clients.change(
            client_id=client.pk, members={}, is_enabled=is_enabled, operator=_operator(options), now=timezone.now()
        )
        return {"result": "enabled" if is_enabled else "disabled", "client": _body(_client(options))}

    def _delete(self, options: dict[str, Any]) -> dict[str, Any]:
        client = _client(options)
        self.confirm(gettext("Delete %(name)s with its secrets?") % {"name": client.name}, options)
        if options["dry_run"]:
            return {"result": "would_delete", "client": _body(client)}
        service_clients.delete(client_id=client.pk, operator=_operator(options), now=timezone.now())
        return {"result": "deleted", "client": _body(client)}

    _actions: Mapping[str, Callable[..., dict[str, Any]]] = {
        "create": _create,
        "list": _list,
        "show": _show,
        "rotate": _rotate,
        "disable": _disable,
        "enable": _enable,
        "delete": _delete,
    }


_SENTENCES = {
    "would_create": gettext_noop("This client would be registered:"),
    "created": gettext_noop("The client is registered:"),
    "would_rotate": gettext_noop("This client would get a new secret:"),
    "rotated": gettext_noop("The client has a new secret:"),
    "would_enable": gettext_noop("This client would be let in again:"),
    "enabled": gettext_noop("The client is let in again:"),
    "would_disable": gettext_noop("This client would be refused:"),
    "disabled": gettext_noop("The client and its access tokens are refused:"),
    "would_delete": gettext_noop("This client would be deleted:"),
    "deleted": gettext_noop("The client is deleted:"),
}


def _client(options: dict[str, Any]) -> ServiceClient:
    try:
        return selectors.service_client(client_id=UUID(options["client"]))
    except ValueError:
        return selectors.service_client(name=options["client"])


def _operator(options: dict[str, Any]) -> Operator:
    return Operator(NO_SUBJECT, options["reason"], service_clients.everything, service_clients.everybody)


def _body(client: ServiceClient, *, has_secrets: bool = True) -> dict[str, Any]:
    """Return a client as the API shows it, its times as RFC 3339 writes them."""
    body = service_client_body(client) if has_secrets else {**service_client_body(client), "secrets": []}
    plain: dict[str, Any] = json.loads(json.dumps(body, cls=DjangoJSONEncoder))
    return plain


def _with_secret(result: str, made: RegisteredClient) -> dict[str, Any]:
    report = {"result": result, "client": _body(made.client)}
    return report if made.secret is None else {**report, "client_secret": made.secret}
