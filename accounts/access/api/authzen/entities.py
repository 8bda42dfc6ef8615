"""AuthZEN's entities in our words: subjects, resources and actions (Authorization API 1.0, 5.1 to 5.4).

A subject ``{"type": "user", "id": "42"}`` is ``user:42``, a resource ``{"type": "document", "id": "a/b"}`` the object
``document/a%2Fb``. Members that the specification does not know are ignored, as it demands (section 5.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ParseError

from accounts.access.api.claims import ClaimInvalid, read_claims
from accounts.access.services.questions import Claims

# What others call our kinds of subjects.
KINDS = {"user": "user", "identity": "user", "client": "client"}
MOST_EVALUATIONS = 100
LONGEST = 500
_NO_OBJECT = gettext_lazy("%s is missing, or it is no object.")


class EntityInvalid(ParseError):
    """A request is not formed as the specification says. ``sentence`` names the member."""

    default_code = "malformed_request"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Entity:
    """A subject, resource or action; ``kind`` is empty for an action, ``key`` where it is searched for."""

    kind: str
    key: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The four members of an evaluation, as far as they are given."""

    subject: Entity | None
    resource: Entity | None
    action: Entity | None
    claims: Claims

    @property
    def object(self) -> str:
        """The path of the resource."""
        return object_path(self.resource.kind, self.resource.key) if self.resource else ""


def read_evaluation(body: Mapping[str, Any], *, searched: str = "", without: tuple[str, ...] = ()) -> Evaluation:
    """Return the entities of a request. Of the ``searched`` one only the type is needed.

    Raises: EntityInvalid.
    """
    subject = None if "subject" in without else _entity(body, "subject", needs_id=searched != "subject")
    resource = None if "resource" in without else _entity(body, "resource", needs_id=searched != "resource")
    action = None if "action" in without else _action(body)
    claims: dict[str, Mapping[str, Any]] = {
        root: found.properties
        for root, found in (("subject", subject), ("resource", resource), ("action", action))
        if found is not None and found.properties
    }
    context = body.get("context", {})
    if not isinstance(context, Mapping):
        raise EntityInvalid(_NO_OBJECT % "context")
    if context:
        claims["context"] = context
    try:
        read_claims(claims, member="properties", is_about_oneself=False)
    except ClaimInvalid as error:
        raise EntityInvalid(f"{error.member}: {error.sentence}") from error
    return Evaluation(subject, resource, action, claims)


def subject_name(subject: Entity) -> str:
    """Return our name of a subject; one of an unknown type has a name that nobody has."""
    return f"{KINDS.get(subject.kind, '')}:{subject.key}"


def object_path(kind: str, key: str) -> str:
    """Return the path of a resource: its type and its id, each one segment."""
    return f"{_segment(kind)}/{_segment(key)}"


def type_prefix(kind: str) -> str:
    """Return how the paths of all resources of a type begin."""
    return f"{_segment(kind)}/"


def resource_of(path: str) -> dict[str, str] | None:
    """Return the resource of a path, ``None`` if it is that of none."""
    segments = path.split("/")
    return {"type": unquote(segments[0]), "id": unquote(segments[1])} if len(segments) == 2 else None


def _segment(text: str) -> str:
    if text in (".", ".."):  # would be no path
        return text.replace(".", "%2E")
    return text.replace("%", "%25").replace("/", "%2F")


def _entity(body: Mapping[str, Any], name: str, *, needs_id: bool) -> Entity:
    given = _object(body, name)
    key = _text(given, name, "id") if needs_id else ""
    return Entity(_text(given, name, "type"), key, _properties(given, name))


def _action(body: Mapping[str, Any]) -> Entity:
    given = _object(body, "action")
    return Entity("", _text(given, "action", "name"), _properties(given, "action"))


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = body.get(name)
    if not isinstance(given, Mapping):
        raise EntityInvalid(_NO_OBJECT % name)
    return given


def _text(given: Mapping[str, Any], name: str, member: str) -> str:
    value = given.get(member)
    if not isinstance(value, str) or not value or len(value) > LONGEST or "\x00" in value:
        raise EntityInvalid(_("%(member)s is a text of 1 to 500 characters.") % {"member": f"{name}.{member}"})
    return value


def _properties(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get("properties", {})
    if not isinstance(found, Mapping):
        raise EntityInvalid(_NO_OBJECT % f"{name}.properties")
    return found
