"""Forget people who are erased. Versions of the policy keep their ids, which refer to nothing any more."""

from collections.abc import Collection

from accounts.access.models import IdempotentRequest, PolicyVersion, RoleGrant


def forget(*, ids: Collection[str]) -> None:
    """Delete the grants and the keys of these people, and their names where they changed the policy.

    It makes no version: nobody's decisions change, since nobody has these ids.
    """
    RoleGrant.objects.filter(subject__in=[f"user:{each}" for each in ids]).delete()
    IdempotentRequest.objects.filter(caller__in=ids).delete()
    PolicyVersion.objects.filter(author_id__in=ids).update(author="")
