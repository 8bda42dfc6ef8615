"""Who would gain and who would lose by a change of the policy, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.access import selectors
from accounts.access.deciding.rules import ANY_ACTION
from accounts.access.draft_changes import PolicyDocuments
from accounts.access.impact.differences import OTHER_ACTION, Difference
from accounts.access.services.impact.proof import Proof, name_of, prove


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
    """What changes: how many kinds of requests are gained and lost, at least if not ``is_exact``, and examples."""

    gains: int
    losses: int
    is_exact: bool
    examples: Sequence[ShownDifference]


def preview_of_rule(*, rule_id: str, document: Mapping[str, Any] | None, now: datetime) -> Preview:
    """Return what changes if the rule becomes this document, ``None`` if it is deleted.

    Raises: RuleInvalid, RolesInvalid.
    """
    present = PolicyDocuments(selectors.all_rules(), selectors.all_roles())
    rules = {key: value for key, value in present.rules.items() if key != rule_id}
    if document is not None:
        rules[rule_id] = dict(document)
    return shown(prove(present, PolicyDocuments(rules, present.roles), now=now))


def shown(proof: Proof) -> Preview:
    """Return a proof in words."""
    return Preview(proof.gains, proof.losses, proof.is_exact, [_in_words(each) for each in proof.examples])


def _in_words(difference: Difference) -> ShownDifference:
    is_any = difference.action.startswith(OTHER_ACTION)
    return ShownDifference(
        is_gain=difference.is_gain,
        who=name_of(difference.profile),
        action=ANY_ACTION if is_any else difference.action,
        object=difference.object,
        at=difference.at,
        attributes={name: values for name, values in difference.attributes.items() if values},
    )
