"""Random policies and requests, and the same policies in the languages of Casbin and of Cedar."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import casbin
import cedarpy

from accounts.access.deciding.hours import WEEKDAYS, parse_hours
from accounts.access.deciding.rules import Effect, Rule

SEGMENTS = ("a", "b")
ACTIONS = ("read", "write")
USERS = ("user:1", "user:2")
ROLES = ("staff", "boss", "guest", "night")
PLACES = ("north", "south")
START = datetime(2026, 3, 1, tzinfo=UTC)
ZONES = ("UTC", "Europe/Madrid", "Asia/Tehran")
MODEL = """
[request_definition]
r = sub, obj, act, request
[policy_definition]
p = sub, obj, act, eft, number
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && covers(p.obj, r.obj) && (p.act == "*" || p.act == r.act) && applies(r.request, p.number)
"""


@dataclass(frozen=True)
class Request:
    """What is asked; ``roles`` are those that the subject has."""

    subject: str
    roles: frozenset
    object: str
    action: str
    attributes: dict
    at: datetime


def random_parents(rng):
    """Roles that inherit from roles before them, so that there is no circle."""
    return {role: rng.sample(ROLES[:number], rng.randint(0, min(2, number))) for number, role in enumerate(ROLES)}


def random_rules(rng, most=12, *, with_hours=False):
    return [random_rule(rng, f"rule-{number}", with_hours=with_hours) for number in range(rng.randint(0, most))]


def random_rule(rng, rule_id, *, with_hours=False):
    segments = [rng.choice((*SEGMENTS, "*")) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:
        segments[-1] = "**"
    valid_from = START + timedelta(hours=rng.randint(0, 20)) if rng.random() < 0.2 else None
    return Rule(
        id=rule_id,
        subject=rng.choice((*USERS, *(f"role:{role}" for role in ROLES))),
        object="/".join(segments),
        action=rng.choice((*ACTIONS, "*")),
        effect=Effect.DENY if rng.random() < 0.3 else Effect.ALLOW,
        department=rng.choice(("", "", *PLACES)),
        location=rng.choice(("", "", "", *PLACES)),
        conditions=[random_condition(rng)] if rng.random() < 0.4 else [],
        valid_from=valid_from,
        valid_until=START + timedelta(hours=rng.randint(4, 24)) if rng.random() < 0.2 else None,
        hours=random_hours(rng) if with_hours and rng.random() < 0.15 else None,
    )


def random_hours(rng):
    return parse_hours(
        {
            "weekdays": rng.sample(("sat", "sun", "mon"), rng.randint(1, 3)),
            "from": f"{rng.randint(0, 23):02}:{rng.choice((0, 30)):02}",
            "until": f"{rng.randint(0, 23):02}:{rng.choice((0, 30)):02}",
            "time_zone": rng.choice(ZONES),
        }
    )


def random_condition(rng):
    name, arguments = rng.choice(
        (
            ("same", {"left": "subject.id", "right": "resource.owner"}),
            ("same", {"left": "subject.department", "right": "resource.department"}),
            ("equals", {"attribute": "resource.public", "value": True}),
            ("equals", {"attribute": "resource.owner", "value": "1"}),
            ("member", {"element": "subject.id", "list": "resource.editors"}),
            ("at_most", {"attribute": "resource.amount", "number": 5}),
            ("at_least", {"attribute": "context.level", "number": 2}),
        )
    )
    return {"name": name, "arguments": arguments}


def random_request(rng):
    subject = rng.choice(USERS)
    known = {
        "subject": {
            "id": subject.removeprefix("user:"),
            "department": rng.choice(PLACES),
            "location": rng.choice(PLACES),
        },
        "resource": {
            "owner": rng.choice(("1", "2")),
            "department": rng.choice(PLACES),
            "public": rng.random() < 0.5,
            "editors": rng.sample(("1", "2"), rng.randint(0, 2)),
            "amount": rng.randint(0, 10),
        },
        "context": {"level": rng.randint(0, 3)},
    }
    attributes = {
        root: {name: value for name, value in values.items() if rng.random() < 0.8} for root, values in known.items()
    }
    return Request(
        subject=subject,
        roles=frozenset(rng.sample(ROLES, rng.randint(0, 2))),
        object="/".join(rng.choice(SEGMENTS) for _ in range(rng.randint(1, 3))),
        action=rng.choice(ACTIONS),
        attributes=attributes,
        at=START + timedelta(hours=rng.randint(0, 25)),
    )


class CasbinPolicy:
    """The rules in pycasbin: it decides by roles, effects and their order; two functions of ours read the rest."""

    def __init__(self, rules, parents):
        self.rules = rules
        model = casbin.Enforcer.new_model(text=MODEL)
        self.enforcer = casbin.Enforcer(model)
        self.enforcer.add_function("covers", covers)
        self.enforcer.add_function("applies", self.applies)
        for number, rule in enumerate(rules):
            self.enforcer.add_policy(rule.subject, rule.object, rule.action, str(rule.effect), str(number))
        for role, above in parents.items():
            for parent in above:
                self.enforcer.add_grouping_policy(f"role:{role}", f"role:{parent}")

    def is_allowed(self, request):
        if not self.rules:  # an empty policy of Casbin may allow everything
            return False
        # One name for each set of roles, so that requests about the same person can have different ones.
        name = f"{request.subject} {sorted(request.roles)}"
        if not self.enforcer.has_grouping_policy(name, request.subject):
            self.enforcer.add_grouping_policy(name, request.subject)
            for role in request.roles:
                self.enforcer.add_grouping_policy(name, f"role:{role}")
        return self.enforcer.enforce(name, request.object, request.action, request)

    def applies(self, request, number):
        rule = self.rules[int(number)]
        subject = request.attributes.get("subject", {})
        answers = [
            rule.valid_from is None or request.at >= rule.valid_from,
            rule.valid_until is None or request.at < rule.valid_until,
            *(subject[name] == wanted if name in subject else None for name, wanted in wanted_places(rule)),
            *(answer(condition, request.attributes) for condition in rule.conditions),
        ]
        unknown = rule.effect is Effect.DENY
        return all(unknown if each is None else each for each in answers)


def wanted_places(rule):
    return [(name, value) for name in ("department", "location") if (value := getattr(rule, name))]


def covers(pattern, path):
    """Compare segment by segment, written down a second time."""
    wanted, given = pattern.split("/"), path.split("/")
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        if len(given) <= len(wanted):
            return False
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(one in ("*", two) for one, two in zip(wanted, given, strict=True))


def answer(condition, attributes):
    def value(name):
        root, member = name.split(".")
        return attributes[root][member]

    arguments = condition["arguments"]
    try:
        match condition["name"]:
            case "same":
                return value(arguments["left"]) == value(arguments["right"])
            case "equals":
                return value(arguments["attribute"]) == arguments["value"]
            case "member":
                return value(arguments["element"]) in value(arguments["list"])
            case "at_most":
                return value(arguments["attribute"]) <= arguments["number"]
            case "at_least":
                return value(arguments["attribute"]) >= arguments["number"]
    except KeyError:
        return None
    raise AssertionError(condition)


class CedarPolicy:
    """The rules in Cedar, which decides all of it: roles, paths, conditions and instants."""

    def __init__(self, rules, parents):
        self.policies = cedarpy.PolicySet.from_str("\n".join(map(cedar_text, rules)))
        self.parents = parents

    def are_allowed(self, requests):
        """Answer all requests; those about one person with the same roles share a principal."""
        principals = {(request.subject, request.roles) for request in requests}
        roles = [cedar_entity("Role", role, self.parents[role]) for role in ROLES]
        people = [cedar_entity("User", cedar_name(*who), who[1], about=who[0]) for who in principals]
        entities = cedarpy.Entities.from_json_str(json.dumps([*roles, *people]))
        asked = [
            {
                "principal": {"type": "User", "id": cedar_name(request.subject, request.roles)},
                "action": {"type": "Action", "id": request.action},
                "resource": {"type": "Object", "id": request.object},
                "context": {
                    "subject": {},
                    "resource": {},
                    "context": {},
                    **request.attributes,
                    "at": int(request.at.timestamp()),
                    **cedar_clocks(request.at),
                    "length": len(segments := request.object.split("/")),
                    **{f"segment{number}": segment for number, segment in enumerate(segments)},
                },
            }
            for request in requests
        ]
        results = cedarpy.is_authorized_batch(asked, self.policies, entities)
        assert not [result.diagnostics.errors for result in results if result.diagnostics.errors]
        return [result.decision == cedarpy.Decision.Allow for result in results]


def cedar_name(subject, roles):
    return f"{subject} {sorted(roles)}"


def cedar_entity(kind, name, roles, about=None):
    attributes = {} if about is None else {"subject": about}
    return {
        "uid": {"type": kind, "id": name},
        "attrs": attributes,
        "parents": [{"type": "Role", "id": role} for role in roles],
    }


def cedar_text(rule):
    kind, _, name = rule.subject.partition(":")
    principal = f'principal in Role::"{name}"' if kind == "role" else "principal"
    action = "action" if rule.action == "*" else f'action == Action::"{rule.action}"'
    *segments, last = rule.object.split("/")
    wanted = segments if last == "**" else [*segments, last]
    tests = [f"context.length {'>' if last == '**' else '=='} {len(wanted)}"]
    tests += [f'context.segment{number} == "{each}"' for number, each in enumerate(wanted) if each != "*"]
    if kind == "user":
        tests.append(f'principal has subject && principal.subject == "{rule.subject}"')
    if rule.valid_from:
        tests.append(f"context.at >= {int(rule.valid_from.timestamp())}")
    if rule.valid_until:
        tests.append(f"context.at < {int(rule.valid_until.timestamp())}")
    if rule.hours:
        tests.append(cedar_hours(rule.hours))
    conditions = [("equals", {"attribute": f"subject.{name}", "value": value}) for name, value in wanted_places(rule)]
    conditions += [(condition["name"], condition["arguments"]) for condition in rule.conditions]
    tests += [cedar_condition(*condition, rule.effect) for condition in conditions]
    word = "permit" if rule.effect is Effect.ALLOW else "forbid"
    return f"{word} ({principal}, {action}, resource) when {{ {' && '.join(f'({test})' for test in tests)} }};"


def cedar_clocks(at):
    """The clocks of all zones: the minute of the day and the weekday, and the one before it."""
    clocks = {}
    for number, zone in enumerate(ZONES):
        local = at.astimezone(ZoneInfo(zone))
        clocks |= {
            f"minute{number}": local.hour * 60 + local.minute,
            f"today{number}": WEEKDAYS[local.weekday()],
            f"yesterday{number}": WEEKDAYS[local.weekday() - 1],
        }
    return clocks


def cedar_hours(hours):
    number = ZONES.index(hours.zone.key)
    begin, end = (clock.hour * 60 + clock.minute for clock in (hours.begin, hours.end))
    days = json.dumps([WEEKDAYS[day] for day in sorted(hours.weekdays)])
    today, yesterday = (f"{days}.contains(context.{day}{number})" for day in ("today", "yesterday"))
    since, before = f"context.minute{number} >= {begin}", f"context.minute{number} < {end}"
    if begin < end:
        return f"{today} && {since} && {before}"
    return f"({since} && {today}) || ({before} && {yesterday})"


def cedar_condition(name, arguments, effect):
    names = [arguments[key] for key in ("left", "right", "attribute", "element", "list") if key in arguments]
    known = " && ".join(f"context.{root} has {member}" for root, member in (each.split(".") for each in names))
    paths = [f"context.{each}" for each in names]
    test = {
        "same": lambda: f"{paths[0]} == {paths[1]}",
        "equals": lambda: f"{paths[0]} == {json.dumps(arguments['value'])}",
        "member": lambda: f"{paths[1]}.contains({paths[0]})",
        "at_most": lambda: f"{paths[0]} <= {arguments['number']}",
        "at_least": lambda: f"{paths[0]} >= {arguments['number']}",
    }[name]()
    return f"{known} && {test}" if effect is Effect.ALLOW else f"!({known}) || {test}"
