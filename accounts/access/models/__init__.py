"""The tables of this app."""

from accounts.access.models.drafts import DraftApproval, PolicyDraft, ShadowRun
from accounts.access.models.policy import (
    EFFECT_CHOICES,
    HEAD_ID,
    IdempotentRequest,
    PolicyHead,
    PolicyRule,
    PolicyVersion,
    Role,
    RoleGrant,
)
from accounts.access.models.records import DecisionCount, DecisionRecord, GrantUse, RuleUse

__all__ = [
    "EFFECT_CHOICES",
    "HEAD_ID",
    "DecisionCount",
    "DecisionRecord",
    "DraftApproval",
    "GrantUse",
    "IdempotentRequest",
    "PolicyDraft",
    "PolicyHead",
    "PolicyRule",
    "PolicyVersion",
    "Role",
    "RoleGrant",
    "RuleUse",
    "ShadowRun",
]
