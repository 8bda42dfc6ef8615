"""Settings of this app, read from ``settings.SECURITY_EVENTS``."""

from django.conf import settings

from cedrina_base.app_settings import AppSettings


class SecurityEventSettings(AppSettings):
    """The dict ``settings.SECURITY_EVENTS``."""

    SETTING = "SECURITY_EVENTS"

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
