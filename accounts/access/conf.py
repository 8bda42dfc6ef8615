"""Settings of this app, read from ``settings.ACCESS``."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.access.types import ObjectFacts, SubjectFacts
from cedrina_base.app_settings import AppSettings

ADMINISTRATOR = "admin"  # the role that may do everything


class AccessSettings(AppSettings):
    """The dict ``settings.ACCESS``."""

    SETTING = "ACCESS"

    @property
    def ENGINE(self) -> str:
        """What decides: ``index``, or ``casbin`` for the reference."""
        return self._get("ENGINE", "index")

    @property
    def MAX_STALENESS(self) -> timedelta:
        """How long a process decides by a policy that it can't compare with the database. Afterwards it denies."""
        return self._get("MAX_STALENESS", timedelta(seconds=30))

    @property
    def WATCH_SECONDS(self) -> float:
        """Seconds between two looks at the policy's version in each process; 0 for no thread that looks."""
        return self._get("WATCH_SECONDS", 1.0)

    @property
    def APPROVERS(self) -> int:
        """How many people other than its author must approve a draft before it can be applied."""
        return self._get("APPROVERS", 0)

    @property
    def RECORD_ONE_IN(self) -> int:
        """One in how many allowed decisions is recorded for each rule, to be evaluated again; 0 records none at all."""
        return self._get("RECORD_ONE_IN", 100)

    @property
    def RECORD_RETENTION(self) -> timedelta:
        """How long records of decisions are kept."""
        return self._get("RECORD_RETENTION", timedelta(days=30))

    @property
    def FACTS_OF(self) -> Callable[[Any, datetime], SubjectFacts | None]:
        """Dotted path of a function ``(user, at)``: who the user of a request is; ``None`` for nobody.

        It must not query the database: it is asked for every guarded request.
        """
        return self._function("FACTS_OF", "accounts.access.hook_defaults.facts_of_user")

    @property
    def CONTEXT_OF(self) -> Callable[[Any], Mapping[str, Any]]:
        """Dotted path of a function ``(user)``: what is known about the request of this user, as ``context.*``.

        It must not query the database. Its members are ``ip_address``, ``factor_at``, in seconds since 1970, and
        ``risk``, from 0 to 100.
        """
        return self._function("CONTEXT_OF", "accounts.access.hook_defaults.no_context")

    @property
    def FIND_SUBJECT(self) -> Callable[[str, datetime], SubjectFacts | None]:
        """Dotted path of a function ``(subject, at)``: who ``user:<id>`` or ``client:<id>`` is; ``None`` for nobody."""
        return self._function("FIND_SUBJECT", "accounts.access.hook_defaults.find_subject")

    @property
    def FIND_SUBJECTS(self) -> Callable[[Collection[str], datetime], Mapping[str, SubjectFacts]]:
        """Dotted path of a function ``(names, at)``: those of some subjects that exist, by their names, at once."""
        return self._function("FIND_SUBJECTS", "accounts.access.hook_defaults.find_subjects")

    @property
    def SUBJECTS(self) -> Callable[[str, int, datetime], Sequence[SubjectFacts]]:
        """Dotted path of a function ``(after, limit, at)``: the existing subjects by their names, for searches."""
        return self._function("SUBJECTS", "accounts.access.hook_defaults.no_subjects")

    @property
    def CANDIDATES(self) -> Callable[[Collection[str], Collection[str], str, int, datetime], Sequence[SubjectFacts]]:
        """Dotted path of a function ``(names, roles, after, limit, at)``: who may be allowed something, for searches.

        It returns the existing subjects, by their names, that come after ``after`` and have one of the names or one of
        the roles. It may return more of them, never fewer; none only if none follow.
        """
        return self._function("CANDIDATES", "accounts.access.hook_defaults.granted_subjects")

    @property
    def OBJECTS(self) -> Callable[[str, int], Sequence[ObjectFacts]]:
        """Dotted path of a function ``(after, limit)``: the registered objects by their paths, for searches.

        They are in the order of code points. None are returned only if none follow.
        """
        return self._function("OBJECTS", "accounts.access.hook_defaults.known_permission_objects")

    @property
    def FIND_OBJECT(self) -> Callable[[str], Mapping[str, Any]]:
        """Dotted path of a function ``(path)``: what is known of an object as ``resource.*``.

        What it returns wins over what callers claim.
        """
        return self._function("FIND_OBJECT", "accounts.access.hook_defaults.no_object_attributes")

    @property
    def BASE_URL(self) -> str:
        """The URL of this installation in the AuthZEN metadata, without a path; empty: that of the request."""
        return self._get("BASE_URL", "")

    @property
    def SIGN_METADATA(self) -> Callable[[Mapping[str, Any], str, datetime], str]:
        """Dotted path of a function ``(metadata, token_type, at)``: the AuthZEN metadata as a signed JWT.

        Its claim ``iss`` says who signed. Nothing is signed where it returns an empty text, or ``BASE_URL`` is empty.
        """
        return self._function("SIGN_METADATA", "accounts.access.hook_defaults.no_signature")

    @property
    def REQUIRE_ADMINISTRATOR(self) -> Callable[[Any, datetime], None]:
        """Dotted path of a function ``(policy, at)`` that raises LastAdministrator if nobody could change it back."""
        return self._function("REQUIRE_ADMINISTRATOR", "accounts.access.hook_defaults.nothing_required")

    @property
    def SUBJECT_LINKS(self) -> Callable[[Any, Collection[str]], Mapping[str, tuple[str, str]]]:
        """Dotted path of a function ``(viewer, subjects)``: the name and the admin page of each that they may see."""
        return self._function("SUBJECT_LINKS", "accounts.access.hook_defaults.no_links")

    @property
    def SUBJECT_OF_NAME(self) -> Callable[[Any, str], str]:
        """Dotted path of a function ``(viewer, name)``: the subject with a name, empty if the viewer may not know."""
        return self._function("SUBJECT_OF_NAME", "accounts.access.hook_defaults.no_subject")

    @property
    def SHIPPED_ROLES(self) -> Mapping[str, Mapping[str, Any]]:
        """The roles of a new installation by their names, as documents."""
        return self._get("SHIPPED_ROLES", {ADMINISTRATOR: {"description": "May do everything."}})

    @property
    def SHIPPED_RULES(self) -> Sequence[Mapping[str, Any]]:
        """The rules of a new installation, as documents."""
        everything = {"subject": f"role:{ADMINISTRATOR}", "object": "**", "action": "*", "effect": "allow"}
        return self._get("SHIPPED_RULES", [everything])

    @property
    def API_PERMISSIONS(self) -> Callable[[str], Iterable[Any]]:
        """Dotted path of a function ``(permission)``: permission classes' instances of the API of this app."""
        return self._function("API_PERMISSIONS", "accounts.access.api.permissions.from_policy")


access_settings = AccessSettings()
