"""Random policies as documents, stored as versions, and random questions about them."""

from accounts.access.types import Author, Question, SubjectFacts
from tests.accounts.access.policies import ROLES, random_parents, random_request, random_rule

AUTHOR = Author("1", "ada")


def document(rule):
    return {
        "subject": rule.subject,
        "object": rule.object,
        "action": rule.action,
        "effect": str(rule.effect),
        "department": rule.department,
        "location": rule.location,
        "conditions": rule.conditions,
        "valid_from": rule.valid_from,
        "valid_until": rule.valid_until if not rule.valid_from or rule.valid_until != rule.valid_from else None,
    }


def random_rule_document(rng):
    found = document(random_rule(rng, ""))
    if found["valid_from"] and found["valid_until"] and found["valid_from"] >= found["valid_until"]:
        found["valid_until"] = None
    return found


def store_roles(writer, rng):
    for name in ROLES:
        writer.put_role(name, {"parents": random_parents(rng)[name]})


def random_question(rng):
    """Return who asks, what, and when."""
    asked = random_request(rng)
    facts = SubjectFacts(asked.subject, asked.roles, asked.attributes.get("subject", {}))
    attributes = {root: values for root, values in asked.attributes.items() if root != "subject"}
    return facts, Question(asked.object, asked.action, attributes), asked.at
