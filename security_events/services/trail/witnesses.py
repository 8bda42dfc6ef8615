"""The witnesses (C2SP tlog-witness) that checkpoints are offered to."""

from collections.abc import Sequence
from typing import NamedTuple

from security_events.conf import security_event_settings
from security_events.verifier import VerificationKey, parse_verification_key


class Witness(NamedTuple):
    """A service that signs a checkpoint if the tree has only grown since the last one that it saw."""

    key: VerificationKey
    url: str
    """Where ``add-checkpoint`` is called, without a slash at the end."""


def configured_witnesses() -> Sequence[Witness]:
    """Return the witnesses of ``AUDIT_WITNESSES``; a check at start has verified their form."""
    return [
        Witness(parse_verification_key(each["key"]), each["url"].rstrip("/"))
        for each in security_event_settings.AUDIT_WITNESSES
    ]


def witness_keys() -> Sequence[VerificationKey]:
    """Return the keys that cosignatures are verified with."""
    return [each.key for each in configured_witnesses()]
