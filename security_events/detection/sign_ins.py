"""What detection knows of the client of a sign-in: the columns of the RBA data set (Wiefling et al., 2022)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """Where a sign-in came from and by which program. An empty text or 0 is what is not known.

    ``asn`` is the number of the autonomous system that announces the address (RFC 1930): a provider or a company.
    ``is_relay`` says that the address is that of a relay, so that its place is not that of the person: a VPN, or a
    carrier of phones. ``radius_km`` is the accuracy of the place.
    """

    ip_address: str
    network: str = ""
    asn: int = 0
    country: str = ""
    region: str = ""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None
    radius_km: int = 0
    is_relay: bool = False
    user_agent: str = ""
    browser: str = ""
    system: str = ""
    device_type: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One attempt to sign in. ``at`` is in seconds since 1970; ``round_trip_ms`` is 0 if it was not measured."""

    at: float
    account: str
    client: ClientFacts
    succeeded: bool
    round_trip_ms: int = 0


@dataclass(frozen=True, slots=True)
class PastSignIn:
    """A successful sign-in of the same account. ``at`` is in seconds since 1970."""

    at: float
    client: ClientFacts
