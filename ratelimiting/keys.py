"""The keys that requests are counted under. Stores see digests only: no address and no name in clear text."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b, sha256
from ipaddress import ip_network

from django.conf import settings

from ratelimiting.client_addresses import networks
from ratelimiting.policy_schema import IP, LimitPolicy

# The prefix of an address that may be shown and recorded, by IP version.
_MASKED_PREFIX = {4: 24, 6: 48}
# Longer parts are digested each time and not cached, so that clients can't fill the memory.
LONGEST_CACHED = 64


def address_network(address: str | None) -> str:
    """Return what limits count an address by, in any notation: itself, of IPv6 its /64. Invalid ones count as one."""
    return networks.counted_network(networks.normalise(address or ""))


def parse_network(text: str) -> str:
    """Return the counted network for an address, or for an IPv6 /64, /56 or /48, as an operator writes it."""
    address, _, prefix = text.partition("/")
    counted = networks.counted_networks(networks.normalise(address))
    if not prefix:
        return counted[0]
    return next((network for network in counted if network.endswith(f"/{prefix}")), "")


def counter_key(policy: str, parts: Mapping[str, str]) -> str:
    """Return the key of a policy for the values of its scope's parts."""
    key: Callable[[str, str, tuple[tuple[str, str], ...]], str] = _key
    for value in parts.values():
        if len(value) > LONGEST_CACHED:
            key = _key.__wrapped__
    return key(settings.SECRET_KEY, policy, tuple(parts.items()))


def readable_key(policy: str, parts: Mapping[str, str]) -> str:
    """Return a key as an operator writes it, such as ``login:ip=203.0.113.7``."""
    return f"{policy}:{','.join(f'{name}={value}' for name, value in parts.items())}"


def mask_parts(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the parts as they may be shown and recorded: the network of an address, the digest of a name."""
    return {name: _masked(name, value) for name, value in parts.items()}


def parse_key(text: str, policies: Mapping[str, LimitPolicy]) -> str | None:
    """Return the key that an operator wrote, or copied as it is stored. None if the text is neither."""
    name, _, rest = text.partition(":")
    policy = policies.get(name)
    if policy is None:
        return None
    if len(rest) == _DIGEST_BYTES * 2 and all(character in "0123456789abcdef" for character in rest):
        return text
    given = parse_parts(text)
    wanted = [part for part in policy.scope if part != "global"]
    if set(given) != set(wanted):
        return None
    return counter_key(name, {part: parse_network(given[part]) if part == IP else given[part] for part in wanted})


def parse_parts(text: str) -> dict[str, str]:
    """Return the parts of a key as an operator wrote them."""
    rest = text.partition(":")[2]
    return dict(part.partition("=")[::2] for part in rest.split(",")) if rest else {}


_DIGEST_BYTES = 12


@lru_cache(maxsize=8192)
def _key(secret: str, policy: str, parts: tuple[tuple[str, str], ...]) -> str:
    text = "\x1f".join(f"{name}={value}" for name, value in parts)
    return f"{policy}:{_digest(secret, text)}"


def _digest(secret: str, text: str) -> str:
    return blake2b(text.encode(errors="replace"), key=_digest_key(secret), digest_size=_DIGEST_BYTES).hexdigest()


@lru_cache(maxsize=4)
def _digest_key(secret: str) -> bytes:
    return sha256(b"cedrina rate limit keys\0" + secret.encode()).digest()


def _masked(name: str, value: str) -> str:
    if name == IP:
        try:
            network = ip_network(value)
        except ValueError:
            return value
        prefix = min(network.prefixlen, _MASKED_PREFIX[network.version])
        return str(network.supernet(new_prefix=prefix))
    if name in ("endpoint", "tier", "user"):
        return value
    return _digest(settings.SECRET_KEY, value)[:12]
