"""Who would gain and who would lose by a change of one rule, before it is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from accounts.access import rule_documents, selectors
from accounts.access.deciding.rules import ANY_ACTION
from accounts.access.impact.candidates import TooManyCases
from accounts.access.impact.differences import OTHER_ACTION, Difference, PolicySource, differences, profiles_of
from accounts.access.known_permissions import KNOWN_PERMISSIONS

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """A kind of request that is decided otherwise, in words."""

    is_gain: bool
    who: str
    action: str
    object: str
    at: datetime
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """What changes. ``is_cut``: there is more than is shown; ``is_unknown``: too many cases to look at them all."""

    differences: Sequence[ShownDifference] = ()
    is_cut: bool = False
    is_unknown: bool = False


def preview(*, rule_id: str, document: Mapping[str, Any] | None, now: datetime) -> Preview:
    """Return what changes if the rule becomes this document, ``None`` if it is deleted."""
    stored, roles = selectors.all_rules(), selectors.all_roles()
    changed = {key: value for key, value in stored.items() if key != rule_id}
    if document is not None:
        changed[rule_id] = dict(document)
    parents = {name: role["parents"] for name, role in roles.items()} | dict.fromkeys(KNOWN_PERMISSIONS, ())
    before, after = (
        PolicySource([rule_documents.to_rule(key, value) for key, value in rules.items()], parents)
        for rules in (stored, changed)
    )
    try:
        profiles = profiles_of(before, after)
        found = list(islice(differences(before, after, profiles=profiles, now=now), MOST_SHOWN + 1))
    except TooManyCases:
        return Preview(is_unknown=True)
    return Preview([_shown(each) for each in found[:MOST_SHOWN]], is_cut=len(found) > MOST_SHOWN)


def _shown(difference: Difference) -> ShownDifference:
    profile = difference.profile
    who = profile.subject or ", ".join(f"role:{role}" for role in sorted(profile.roles)) or _("anybody")
    is_any = difference.action.startswith(OTHER_ACTION)
    return ShownDifference(
        is_gain=difference.is_gain,
        who=who,
        action=ANY_ACTION if is_any else difference.action,
        object=difference.object,
        at=difference.at,
        attributes={name: values for name, values in difference.attributes.items() if values},
    )
