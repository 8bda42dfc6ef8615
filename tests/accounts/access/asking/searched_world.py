"""Who and what there is in tests of searches: the hooks that a project would write."""

PEOPLE = []
THINGS = []


def candidates(names, roles, after, limit, _at):
    asked = [facts for facts in PEOPLE if facts.subject in names or facts.roles & frozenset(roles)]
    return [facts for facts in asked if facts.subject > after][:limit]


def things(after, limit):
    return [thing for thing in THINGS if thing.path > after][:limit]


def find_thing(path):
    return next((thing.attributes for thing in THINGS if thing.path == path), {})
