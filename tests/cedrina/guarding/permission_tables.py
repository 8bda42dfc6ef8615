"""The tables of docs/permissions.md: the shipped roles by permissions, by calls, sockets and pages of the admin."""

from django.contrib import admin
from django.test import RequestFactory

from accounts.access.deciding.index import CompiledPolicy
from accounts.access.known_permissions import KNOWN_PERMISSIONS, USE, object_of
from accounts.access.rule_documents import parse_rule, to_rule
from accounts.access.services.compiling import all_parents, permission_rules
from accounts.models import User
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from cedrina.guarding.routes import OWN, PUBLIC, guarded_routes, guarded_sockets
from cedrina.settings.shipped_roles import SHIPPED_ROLES, SHIPPED_RULES

ROLES = tuple(SHIPPED_ROLES)
YES, NO = "yes", ""


def shipped_policy():
    rules = [to_rule(str(number), parse_rule(rule)) for number, rule in enumerate(SHIPPED_RULES)]
    parents = all_parents({name: {"parents": [], **role} for name, role in SHIPPED_ROLES.items()})
    return CompiledPolicy(rules=[*rules, *permission_rules()], parents=parents, version=1)


def allows(policy, role, permission, now):
    return policy.decide(
        subject="user:1",
        roles=frozenset({role}),
        object_path=object_of(permission),
        action=USE,
        attributes={},
        at=now,
    ).is_allowed


def operator_routes():
    """Return the routes that ask for a permission."""
    return [route for route in guarded_routes() if route.needs in KNOWN_PERMISSIONS]


def admin_pages():
    """Return for each page of the admin the permissions of which one is enough to see it. Needs no row."""
    admin.autodiscover()
    found = {}
    for model, page in sorted(admin.site._registry.items(), key=lambda each: each[0]._meta.label_lower):
        found[model._meta.label_lower] = [
            name for name in KNOWN_PERMISSIONS if page.has_view_permission(_request_of(name))
        ]
    return found


def _request_of(role):
    request = RequestFactory().get("/")
    request.user = User(username="probe", role_grants=role)
    return request


def tables(now):
    policy = shipped_policy()

    def cells(permission):
        return " | ".join(YES if allows(policy, role, permission, now) else NO for role in ROLES)

    head, line = " | ".join(ROLES), "|---" * len(ROLES)
    lines = [f"| permission | what it allows | of Django | {head} |", f"|---|---|---{line}|"]
    for name, known in sorted(KNOWN_PERMISSIONS.items()):
        django = ", ".join(known.django_permissions)
        lines.append(f"| `{name}` | {known.description} | {django} | {cells(name)} |")
    lines += ["", "## Calls", "", f"| call | permission | {head} |", f"|---|---{line}|"]
    for route in operator_routes():
        lines.append(f"| {route.method} `/{route.path}` | `{route.needs}` | {cells(route.needs)} |")
    own = [route for route in guarded_routes() if route.needs == OWN]
    lines += ["", "Every signed-in person may call these, about their own account:", ""]
    lines += [f"- {route.method} `/{route.path}`" for route in own]
    public = [route for route in guarded_routes() if route.needs == PUBLIC]
    lines += ["", "Nobody has to be signed in for these:", ""]
    lines += [f"- {route.method} `/{route.path}`" for route in public if not route.path.startswith("dev/")]
    lines += ["", "## Sockets", "", "| socket | needs |", "|---|---|"]
    words = {OWN: "a signed-in person", PUBLIC: "nothing"}
    lines += [
        f"| `/{each.path}` | {words.get(each.needs, f'`{each.needs}`')} |" for each in guarded_sockets() if each.path
    ]
    lines += ["", "## Actions on people", "", f"| action | permission | {head} |", f"|---|---{line}|"]
    for action in OPERATOR_ACTIONS.values():
        lines.append(f"| `{action.name}` | `{action.permission}` | {cells(action.permission)} |")
    lines += ["", "## Pages of the admin", "", "| page | one of |", "|---|---|"]
    for label, names in admin_pages().items():
        lines.append(f"| {label} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines) + "\n"
