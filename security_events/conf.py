"""Settings of this app, read from ``settings.SECURITY_EVENTS``."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings

from cedrina_base.app_settings import AppSettings
from security_events.types import IncidentNotice, SinkNotice, SubjectLink


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
    def FIELD_ENCRYPTION_KEYS(self) -> Sequence[tuple[str, bytes]]:
        """The keys of encrypted columns: pairs of an id and 32 bytes (AES-256). The first one encrypts.

        Without one, no audit key can be stored, so the trail can't be sealed.
        """
        return self._get("FIELD_ENCRYPTION_KEYS", ())

    @property
    def AUDIT_ORIGIN(self) -> str:
        """The name of the sealed trail: the address of the installation without a scheme, such as ``id.example.org``.

        It has no spaces and no plus sign. The first seal stores it with the audit key, and it stays: those who verify
        the trail know it by this name.
        """
        return self._get("AUDIT_ORIGIN", "")

    @property
    def AUDIT_SEAL_SECONDS(self) -> int:
        """How many seconds are between two seals. The project runs ``sealing.seal`` that often."""
        return self._get("AUDIT_SEAL_SECONDS", 10)

    @property
    def AUDIT_PUBLIC(self) -> bool:
        """Whether anybody may read the newest checkpoint, at ``/.well-known/audit-checkpoint``."""
        return self._get("AUDIT_PUBLIC", default=False)

    @property
    def AUDIT_WITNESSES(self) -> Sequence[Mapping[str, str]]:
        """The witnesses that each checkpoint is offered to (C2SP tlog-witness): objects with ``key`` and ``url``.

        The key has the form ``name+id+base64`` (a vkey of type 0x04). The URL is the witness's submission prefix.
        """
        return self._get("AUDIT_WITNESSES", ())

    @property
    def RETENTION_DAYS(self) -> int | None:
        """For how many days events are kept, at least 7; ``None``, the default, keeps them for ever.

        ``migrate`` stores the terms in the database, as the owner of the tables. A server can lengthen a term, but not
        shorten the stored one.
        """
        return self._get("RETENTION_DAYS", None)

    @property
    def RETENTION_DAYS_BY_CATEGORY(self) -> Mapping[str, int | None]:
        """The days of categories that have another term than ``RETENTION_DAYS``: ``{"ratelimit": 30}``."""
        return self._get("RETENTION_DAYS_BY_CATEGORY", {})

    @property
    def LEAF_RETENTION_DAYS(self) -> int | None:
        """For how many days the hashes of events that have expired are kept; ``None``, the default, keeps them.

        They take 32 bytes an event, and 100 with their index. Without them nobody can prove any more that an event,
        which somebody exported, was part of the trail.
        """
        return self._get("LEAF_RETENTION_DAYS", None)

    @property
    def CHECKPOINTS_OUTSIDE(self) -> Callable[[], Iterable[str]]:
        """Dotted path of a function that returns signed checkpoints that are kept outside of the database.

        The trail is not sealed while one of them is newer than the newest in the database: an older state of it was
        restored, and the next checkpoint would contradict those that others have seen. By default these are the ends
        of the files that ``SINKS`` names.
        """
        return self._function("CHECKPOINTS_OUTSIDE", "security_events.selectors.sealing.kept_checkpoints.in_files")

    @property
    def GEOIP_PATHS(self) -> Sequence[str]:
        """Paths of MaxMind DB files that say where an address is. Without any, no place is known."""
        return self._get("GEOIP_PATHS", ())

    @property
    def RELAYS(self) -> Sequence[str]:
        """Networks and numbers of autonomous systems (``AS64500``) of relays: their place is not that of the person."""
        return self._get("RELAYS", ())

    @property
    def PARTITIONS_AHEAD(self) -> int:
        """For how many months after the current one partitions are created in advance; at least 1."""
        return self._get("PARTITIONS_AHEAD", 3)

    @property
    def PRODUCT_NAME(self) -> str:
        """The name of the recording program in exported events. Rules in a SIEM refer to it."""
        return self._get("PRODUCT_NAME", "Cedrina")

    @property
    def PRODUCT_VERSION(self) -> str:
        """The version of the recording program in exported events; empty for none."""
        return self._get("PRODUCT_VERSION", "")

    @property
    def SINKS(self) -> Sequence[str]:
        """URLs of receivers of syslog, files and webhooks that events or checkpoints are sent to.

        ``security_events.sinks.sink_urls`` says what they mean. The process that delivers reads them when it starts.
        """
        return self._get("SINKS", ())

    @property
    def SOURCE(self) -> str:
        """A URI of this installation, the ``source`` of CloudEvents, such as its address."""
        return self._get("SOURCE", "urn:cedrina")

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

    @property
    def SINK_NOTICE(self) -> Callable[[SinkNotice], None]:
        """Dotted path of a function ``(SinkNotice)`` that tells the owner that a sink stopped taking events.

        It is called inside of the transaction that stores it, so what it does must not be slow: queue a mail.
        """
        return self._function("SINK_NOTICE", "security_events.conf.no_notice")

    @property
    def INCIDENT_NOTICE(self) -> Callable[[IncidentNotice], None]:
        """Dotted path of a function ``(IncidentNotice)`` that tells operators that incidents were opened.

        It is called inside of the transaction that stores that they were told, so it must not be slow: queue a mail.
        """
        return self._function("INCIDENT_NOTICE", "security_events.conf.no_incident_notice")


security_event_settings = SecurityEventSettings()


def no_links(_viewer: Any, _ids: Collection[str]) -> Mapping[str, SubjectLink]:
    """Know no names. This is the default of ``LINKS``."""
    return {}


def no_subject_id(_viewer: Any, _name: str) -> str:
    """Know no names. This is the default of ``SUBJECT_ID``."""
    return ""


def no_notice(_notice: SinkNotice) -> None:
    """Tell nobody. This is the default of ``SINK_NOTICE``."""


def no_incident_notice(_notice: IncidentNotice) -> None:
    """Tell nobody. This is the default of ``INCIDENT_NOTICE``."""
