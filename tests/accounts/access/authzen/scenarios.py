"""The worlds of AuthZEN's vectors: who and what there is, and policies of ours that say what the scenarios say."""

import json
from pathlib import Path

from accounts.access.api.authzen.entities import object_path
from accounts.access.types import ObjectFacts, SubjectFacts

FOLDER = Path(__file__).parent / "vectors"


def vectors(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


class World:
    """Subjects with their roles and attributes, and resources with their attributes: what a project's hooks return."""

    subjects = {}
    objects = {}

    @classmethod
    def hold(cls, subjects, objects):
        cls.subjects = {facts.subject: facts for facts in sorted(subjects, key=lambda facts: facts.subject)}
        cls.objects = dict(sorted(objects.items()))


def find_subject(name, _at):
    return World.subjects.get(name)


def candidates(_names, _roles, after, limit, _at):
    return [facts for name, facts in World.subjects.items() if name > after][:limit]


def objects(after, limit):
    return [ObjectFacts(path, known) for path, known in World.objects.items() if path > after][:limit]


def find_object(path):
    return World.objects.get(path, {})


HOOKS = {
    name: f"tests.accounts.access.authzen.scenarios.{function}"
    for name, function in (
        ("FIND_SUBJECT", "find_subject"),
        ("CANDIDATES", "candidates"),
        ("OBJECTS", "objects"),
        ("FIND_OBJECT", "find_object"),
    )
}


def rule(subject, path, action, effect="allow", **conditions):
    """A rule; conditions are given as ``name={...}``."""
    found = [{"name": name, "arguments": arguments} for name, arguments in conditions.items()]
    return {"subject": subject, "object": path, "action": action, "effect": effect, "conditions": found}


def user(name, *roles, **attributes):
    return SubjectFacts(f"user:{name}", frozenset(roles), {"id": name, **attributes})


def certification():
    """Everybody reads; writers write active records and delete softly; administrators write what is archived."""
    world = vectors("certification")["fixture"]
    World.hold(
        [user("alice", "reader", "writer"), user("bob", "reader", role="admin")],
        {object_path(each["type"], each["id"]): each["properties"] for each in world["resources"]},
    )
    active = {"attribute": "resource.status", "value": "active"}
    return ["reader", "writer"], [
        rule("role:reader", "record/*", "read"),
        rule("role:writer", "record/*", "write", equals=active),
        {
            **rule("role:reader", "record/*", "write"),
            "conditions": [
                {"name": "equals", "arguments": {"attribute": "subject.role", "value": "admin"}},
                {"name": "equals", "arguments": {"attribute": "resource.status", "value": "archived"}},
            ],
        },
        rule("role:writer", "record/*", "delete", equals={"attribute": "action.soft", "value": True}),
    ]


MORTY, RICK = "morty@the-citadel.com", "rick@the-citadel.com"
_TODO_PEOPLE = {
    "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": (RICK, ["evil_genius", "editor"]),
    "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": (MORTY, ["editor"]),
    "CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("summer@the-smiths.com", ["editor"]),
    "CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("beth@the-smiths.com", ["viewer"]),
    "CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("jerry@the-smiths.com", ["viewer"]),
}


def todo():
    """Viewers read; editors create, and change what they own; the evil genius changes everything (and the gateway)."""
    World.hold([user(key, *roles, email=email) for key, (email, roles) in _TODO_PEOPLE.items()], {})
    own = {"left": "subject.email", "right": "resource.ownerID"}
    routes = [("GET", "%2Fusers%2F{userId}"), ("GET", "%2Ftodos")]
    changes = [("POST", "%2Ftodos"), ("PUT", "%2Ftodos%2F{todoId}"), ("DELETE", "%2Ftodos%2F{todoId}")]
    return [("viewer", []), ("editor", ["viewer"]), ("evil_genius", ["editor"])], [
        rule("role:viewer", "user/*", "can_read_user"),
        rule("role:viewer", "todo/*", "can_read_todos"),
        rule("role:editor", "todo/*", "can_create_todo"),
        rule("role:editor", "todo/*", "can_update_todo", same=own),
        rule("role:editor", "todo/*", "can_delete_todo", same=own),
        rule("role:evil_genius", "todo/*", "can_update_todo"),
        rule("role:evil_genius", "todo/*", "can_delete_todo"),
        *(rule("role:viewer", f"route/{path}", method) for method, path in routes),
        *(rule("role:editor", f"route/{path}", method) for method, path in changes),
    ]


def records():
    """View what one owns or what is of one's department, managers all; edit what one owns; delete what one owns."""
    people = vectors("search-users")
    World.hold(
        [user(each["id"], "anybody", each["role"], department=each["department"]) for each in people],
        {
            object_path("record", str(each["id"])): {"owner": each["owner"], "department": each["department"]}
            for each in vectors("search-records")
        },
    )
    own = {"left": "subject.id", "right": "resource.owner"}
    department = {"left": "subject.department", "right": "resource.department"}
    return ["anybody", "manager", "employee", "contractor"], [
        rule("role:anybody", "record/*", "view", same=own),
        rule("role:anybody", "record/*", "view", same=department),
        rule("role:manager", "record/*", "view"),
        rule("role:anybody", "record/*", "edit", same=own),
        rule("role:manager", "record/*", "edit", same=department),
        rule("role:anybody", "record/*", "delete", same=own),
    ]
