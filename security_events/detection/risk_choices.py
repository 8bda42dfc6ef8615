"""Choose what is done about the risk of a sign-in."""

from collections.abc import Mapping, Sequence

from security_events.detection.facts import Fact
from security_events.detection.rules import Finding
from security_events.types import RiskChoice

NEVER = 101  # a threshold that no risk reaches
# Chosen on seeds 1 to 3 of the simulation: docs/detection.md has the shares of honest sign-ins that they concern.
THRESHOLDS: Mapping[str, int] = {"notify": 60, "step_up": 75, "refuse": NEVER}


def choice_of(
    score: int, *, thresholds: Mapping[str, int], is_known_device: bool, has_second_factor: bool
) -> RiskChoice:
    """Return the strictest choice whose threshold a risk reaches.

    A sign-in by two factors has given the proof that a step-up asks for, so it is refused by no risk and its person is
    told at most. Nobody on a known device is refused.
    """
    reached = [choice for choice in RiskChoice if score >= thresholds.get(choice, NEVER)]
    chosen = reached[-1] if reached else RiskChoice.ALLOW
    if chosen in (RiskChoice.STEP_UP, RiskChoice.REFUSE) and has_second_factor:
        return RiskChoice.NOTIFY
    return RiskChoice.STEP_UP if chosen is RiskChoice.REFUSE and is_known_device else chosen


def asked_at_the_sign_in(_facts: Sequence[Fact], _thresholds: Mapping[str, int]) -> Finding | None:
    """Find nothing: the rule of the risk has no triggers, because it decides before there is an event."""
    return None
