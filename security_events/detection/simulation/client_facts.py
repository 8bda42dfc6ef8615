"""Facts about what somebody does with a client: people, and attackers who imitate them."""

from security_events.detection.facts import Fact
from security_events.detection.sign_ins import ClientFacts, SignIn
from security_events.detection.simulation.campaigns import CHALLENGED, SUCCEEDED
from security_events.geoip import Location

PASSWORD_RESET = "password.reset"
_WITHOUT_DIGITS = str.maketrans("", "", "0123456789._")


def fact(
    sign_in: SignIn,
    type_: str,
    at: float,
    *,
    is_new_client: bool = False,
    is_password_alone: bool = False,
    days_since_last: int = 0,
) -> Fact:
    """Return one fact about the client of a sign-in."""
    return Fact(
        event_id=f"{sign_in.account}-{at}",
        at=at,
        type=type_,
        succeeded=type_ in (SUCCEEDED, CHALLENGED, PASSWORD_RESET),
        account=sign_in.account,
        actor=sign_in.account,
        ip_address=sign_in.client.ip_address,
        network=sign_in.client.network,
        program=program_of(sign_in.client),
        location=location_of(sign_in.client),
        is_relay=sign_in.client.is_relay,
        is_new_client=is_new_client,
        is_password_alone=is_password_alone,
        days_since_last=days_since_last,
    )


def location_of(client: ClientFacts) -> Location:
    """Return what a database of places says of a client's address."""
    return Location(
        country=client.country,
        region=client.region,
        city=client.city,
        latitude=client.latitude,
        longitude=client.longitude,
        asn=client.asn,
    )


def program_of(client: ClientFacts) -> str:
    """Return the user agent without versions: the kind of a client."""
    return client.user_agent.translate(_WITHOUT_DIGITS)
