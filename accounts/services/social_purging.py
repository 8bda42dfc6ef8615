"""Forget authorizations that nobody came back from, and presented tokens that nobody can present any more."""

from datetime import datetime, timedelta

from accounts.models import PresentedToken, SocialAuthorization

# Clocks differ a little: a token is remembered somewhat longer than it could be accepted.
_KEPT = timedelta(hours=1)


def purge(*, now: datetime) -> dict[str, int]:
    """Delete what is past; return the counts. Safe to interrupt and to run twice."""
    authorizations, _ = SocialAuthorization.objects.filter(expires_at__lt=now - _KEPT).delete()
    tokens, _ = PresentedToken.objects.filter(expires_at__lt=now - _KEPT).delete()
    return {"social_authorizations": authorizations, "presented_tokens": tokens}
