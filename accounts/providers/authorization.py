"""Where somebody is sent who wants to sign in at a provider."""

import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit, urlunsplit

from accounts.providers import discovery, facebook
from accounts.providers.registry import Provider
from cedrina_base import base64url

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Proof:
    """What ties an answer of the provider to the question: made anew for each, and kept by us."""

    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    code_verifier: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)


def url(provider: Provider, *, redirect_uri: str, state: str, proof: Proof, is_fresh: bool = False) -> str:
    """Return the address of the provider's sign-in, with PKCE by S256 and a nonce (RFC 9700, 2.1.1).

    ``is_fresh`` asks the provider to authenticate the person anew (OpenID Connect Core, 3.1.2.1).

    Raises: ProviderUnavailable.
    """
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": ("," if provider.is_facebook else " ").join(provider.scopes),
        "state": state,
        "nonce": proof.nonce,
        "code_challenge": challenge(proof.code_verifier),
        "code_challenge_method": "S256",
    }
    if provider.is_facebook:
        address = facebook.AUTHORIZATION_URL
        parameters |= {"auth_type": "reauthenticate"} if is_fresh else {}
    else:
        address = discovery.metadata(provider)["authorization_endpoint"]
        parameters |= {"prompt": "login", "max_age": "0"} if is_fresh else {}
    parts = urlsplit(address)
    query = "&".join(each for each in (parts.query, urlencode(parameters)) if each)
    return urlunsplit(parts._replace(query=query))


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a code verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode(errors="replace")).digest()
    return base64url.encode(digest)
