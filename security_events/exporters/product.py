"""What exported events say of the program that recorded them."""

from typing import NamedTuple

from security_events.conf import security_event_settings

VENDOR = "Cedrina"


class Product(NamedTuple):
    """The recording program. ``source`` is a URI of the installation; ``version`` may be empty."""

    name: str
    version: str
    source: str
    has_truncated_addresses: bool


def installed_product() -> Product:
    """Return what the settings say."""
    return Product(
        name=security_event_settings.PRODUCT_NAME,
        version=security_event_settings.PRODUCT_VERSION,
        source=security_event_settings.SOURCE,
        has_truncated_addresses=security_event_settings.TRUNCATE_IP_ADDRESSES,
    )


def title_of(event_type: str) -> str:
    """Return the id of an event type as words: ``authentication login failed``."""
    return event_type.replace(".", " ").replace("_", " ")
