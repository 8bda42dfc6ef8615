"""Settings of this app, read from ``settings.SECURITY_EVENTS``."""

from typing import TypeVar, cast

from django.conf import settings

T = TypeVar("T")


class SecurityEventSettings:
    """``settings.SECURITY_EVENTS``, read on every access so that ``override_settings`` just works."""

    NAMES = ("PSEUDONYM_KEY", "TRUNCATE_IP_ADDRESSES", "PARTITIONS_AHEAD")

    def _get(self, name: str, default: T) -> T:
        return cast("T", getattr(settings, "SECURITY_EVENTS", {}).get(name, default))

    @property
    def PSEUDONYM_KEY(self) -> str:
        """What pseudonyms of unknown names are keyed with. Without one, Django's own secret serves."""
        return self._get("PSEUDONYM_KEY", "") or settings.SECRET_KEY

    @property
    def TRUNCATE_IP_ADDRESSES(self) -> bool:
        """Whether events keep only the network (/24, /48) of an address."""
        return self._get("TRUNCATE_IP_ADDRESSES", default=False)

    @property
    def PARTITIONS_AHEAD(self) -> int:
        """For how many months after the current one a partition stands ready."""
        return self._get("PARTITIONS_AHEAD", 3)


security_event_settings = SecurityEventSettings()
