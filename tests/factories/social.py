"""Providers and what they say of people."""

from accounts.models import SocialAuthorization
from accounts.providers import links
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider

REDIRECT_URI = "https://app.example.com/signed-in"


def provider(**members):
    defaults = {
        "id": "fake",
        "kind": "openid_connect",
        "name": "Fake",
        "client_id": "cedrina",
        "issuer": "https://id.example.org",
        "redirect_uris": (REDIRECT_URI,),
    }
    return Provider(**{**defaults, **members})


def identity(**members):
    defaults = {
        "provider": "fake",
        "uid": "person-1",
        "email": "mina@example.com",
        "is_email_verified": True,
        "name": "Mina Karimi",
    }
    return ProviderIdentity(**{**defaults, **members})


def link(user, *, now, **members):
    """Connect a user to an account of a provider."""
    return links.add(identity(**members), user_id=user.pk, now=now)


def begin_linking(user, *, session_id, now):
    """Store an authorization by which a user connects an account of the provider `fake`; it expires at once."""
    return SocialAuthorization.objects.create(
        digest=b"d" * 32,
        provider="fake",
        purpose="link",
        redirect_uri="x",
        nonce="n",
        code_verifier="v",
        user=user,
        session_id=session_id,
        created_at=now,
        expires_at=now,
    )
