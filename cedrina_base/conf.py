"""Settings that several apps share, read from ``settings.CEDRINA_BASE``."""

from collections.abc import Collection

from cedrina_base.app_settings import AppSettings


class BaseSettings(AppSettings):
    """The dict ``settings.CEDRINA_BASE``."""

    SETTING = "CEDRINA_BASE"

    @property
    def OUTBOUND_ALLOWED_NETWORKS(self) -> Collection[str]:
        """Networks that ``cedrina_base.outgoing_http`` may connect to although they are not public: ``10.1.0.0/16``."""
        return self._get("OUTBOUND_ALLOWED_NETWORKS", ())

    @property
    def OUTBOUND_ALLOWED_PORTS(self) -> Collection[int]:
        """The ports that ``cedrina_base.outgoing_http`` may connect to."""
        return self._get("OUTBOUND_ALLOWED_PORTS", (443,))

    @property
    def OUTBOUND_PLAIN_HTTP(self) -> bool:
        """Whether ``cedrina_base.outgoing_http`` also connects without TLS. For development only."""
        return self._get("OUTBOUND_PLAIN_HTTP", default=False)


base_settings = BaseSettings()
