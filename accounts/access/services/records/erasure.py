"""Forget a person who is erased: their decisions, those about them, and their names in the life of the policy."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q

from accounts.access.models import DecisionRecord, DraftApproval, GrantUse, PolicyDraft, ShadowRun


@transaction.atomic
def forget(*, ids: Collection[str]) -> None:
    """Delete what was recorded of people, and of others if it mentions them, given the ids in their subjects.

    What they changed stays with the id, as security events do; their names are removed from drafts and approvals. What
    a process has noted within the last minute is stored after this, and goes with the records' retention.
    """
    if not ids:
        return
    mentions = Q()
    for person in ids:
        mentions |= Q(subject__endswith=f":{person}") | Q(object__contains=person) | Q(evaluated__contains=person)
    DecisionRecord.objects.filter(mentions).delete()
    GrantUse.objects.filter(subject__in=[f"user:{person}" for person in ids]).delete()
    PolicyDraft.objects.filter(author_id__in=ids).update(author="")
    DraftApproval.objects.filter(approver_id__in=ids).update(approver="")
    for run in ShadowRun.objects.exclude(examples=[]).select_for_update():
        kept = [each for each in run.examples if not any(person in str(each) for person in ids)]
        if len(kept) < len(run.examples):
            ShadowRun.objects.filter(pk=run.pk).update(examples=kept)
