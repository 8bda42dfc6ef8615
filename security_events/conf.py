"""Settings of this app, read from ``settings.SECURITY_EVENTS``."""

from django.conf import settings

from cedrina_base.app_settings import AppSettings


class SecurityEventSettings(AppSettings):
    """The dict ``settings.SECURITY_EVENTS``."""

    SETTING = "SECURITY_EVENTS"

    @property
    def PSEUDONYM_KEY(self) -> str:
        """The HMAC key of pseudonyms (names without an account) and of deduplication; without one, ``SECRET_KEY``."""
        return self._get("PSEUDONYM_KEY", "") or settings.SECRET_KEY

    @property
    def TRUNCATE_IP_ADDRESSES(self) -> bool:
        """Whether events store only the network of an address: /24 of IPv4, /48 of IPv6."""
        return self._get("TRUNCATE_IP_ADDRESSES", default=False)

    @property
    def PARTITIONS_AHEAD(self) -> int:
        """For how many months after the current one partitions are created in advance; at least 1."""
        return self._get("PARTITIONS_AHEAD", 3)


security_event_settings = SecurityEventSettings()
