"""Settings of this app, read from ``settings.SECURITY_EVENTS``."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.conf import settings

from cedrina_base.app_settings import AppSettings
from security_events.types import SubjectLink


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
    def GEOIP_PATHS(self) -> Sequence[str]:
        """Paths of MaxMind DB files that say where an address is. Without any, no place is known."""
        return self._get("GEOIP_PATHS", ())

    @property
    def PARTITIONS_AHEAD(self) -> int:
        """For how many months after the current one partitions are created in advance; at least 1."""
        return self._get("PARTITIONS_AHEAD", 3)

    @property
    def LINKS(self) -> Callable[[Any, Collection[str]], Mapping[str, SubjectLink]]:
        """Dotted path of a function ``(viewer, ids) -> {id: SubjectLink}`` for the admin's pages of events.

        The ids are those of actors, targets, sessions and token families, a few hundred at most. What the viewer may
        not see, and ids that nothing is known of, are left out.
        """
        return self._function("LINKS", "security_events.conf.no_links")

    @property
    def SUBJECT_ID(self) -> Callable[[Any, str], str]:
        """Dotted path of a function ``(viewer, name) -> id`` for searches by the name of an actor or a target.

        It returns an empty string for a name that nobody has or that the viewer may not look up.
        """
        return self._function("SUBJECT_ID", "security_events.conf.no_subject_id")

    @property
    def API_PERMISSIONS(self) -> Callable[[str], Sequence[Any]]:
        """Dotted path of a function ``(action)`` that returns permissions of Django REST framework.

        They are asked before each call of the API. If there are none, the default ones of the framework are asked.
        """
        return self._function("API_PERMISSIONS", "security_events.api.permissions.django_permission")


security_event_settings = SecurityEventSettings()


def no_links(_viewer: Any, _ids: Collection[str]) -> Mapping[str, SubjectLink]:
    """Know no names. This is the default of ``LINKS``."""
    return {}


def no_subject_id(_viewer: Any, _name: str) -> str:
    """Know no names. This is the default of ``SUBJECT_ID``."""
    return ""
