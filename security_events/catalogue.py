"""Every type of event that Cedrina can record, with its weight and its place in OCSF."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Outcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"


class Category(StrEnum):
    ACCOUNT = "account"
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    SESSION = "session"
    KEY = "key"
    RATELIMIT = "ratelimit"
    NETWORK = "network"


class EventType(StrEnum):
    ACCOUNT_REGISTERED = "account.registered"
    ACCOUNT_REGISTRATION_REPEATED = "account.registration_repeated"
    ACCOUNT_REGISTRATION_REQUESTED = "account.registration_requested"
    ACCOUNT_RECLAIMED = "account.reclaimed"
    ACCOUNT_PROFILE_UPDATED = "account.profile_updated"
    ACCOUNT_ACTIVATED = "account.activated"
    ACCOUNT_DEACTIVATED = "account.deactivated"
    ACCOUNT_ADMIN_CREATED = "account.admin_created"
    ACCOUNT_EXPORTED = "account.exported"
    ACCOUNT_DELETION_REQUESTED = "account.deletion_requested"
    ACCOUNT_RESTORED = "account.restored"
    ACCOUNT_ERASED = "account.erased"
    ACCOUNT_IMPORTED = "account.imported"
    ACCOUNT_TAKEOVER_REPORTED = "account.takeover_reported"
    EMAIL_CONFIRMATION_REQUESTED = "email.confirmation_requested"
    EMAIL_CONFIRMED = "email.confirmed"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    EMAIL_CHANGED = "email.changed"
    EMAIL_RESTORED = "email.restored"
    MAILED_TOKEN_REFUSED = "email.token_refused"
    PASSWORD_RESET_REQUESTED = "password.reset_requested"
    PASSWORD_RESET = "password.reset"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_CHANGE_FAILED = "password.change_failed"
    PASSWORD_HASH_UPGRADED = "password.hash_upgraded"
    LOGIN_SUCCEEDED = "authentication.login_succeeded"
    LOGIN_FAILED = "authentication.login_failed"
    SIGN_IN_LOCKED = "authentication.locked"
    SIGN_IN_LOCK_EXPIRED = "authentication.lock_expired"
    SIGN_IN_UNLOCKED = "authentication.unlocked"
    REAUTHENTICATED = "authentication.reauthenticated"
    REAUTHENTICATION_FAILED = "authentication.reauthentication_failed"
    MFA_CHALLENGED = "mfa.challenged"
    MFA_FAILED = "mfa.failed"
    MFA_LOCKED = "mfa.locked"
    MFA_FACTOR_ADDED = "mfa.factor_added"
    MFA_FACTOR_REMOVED = "mfa.factor_removed"
    MFA_RECOVERY_CODES_MADE = "mfa.recovery_codes_made"
    MFA_RECOVERY_CODE_USED = "mfa.recovery_code_used"
    MFA_SIGN_COUNT_REGRESSED = "mfa.sign_count_regressed"
    SOCIAL_ACCOUNT_LINKED = "social.account_linked"
    SOCIAL_ACCOUNT_UNLINKED = "social.account_unlinked"
    SOCIAL_LOGIN_FAILED = "social.login_failed"
    SOCIAL_ACCOUNT_PREEMPTED = "social.account_preempted"
    ADMIN_LOGIN_SUCCEEDED = "admin.login_succeeded"
    ADMIN_LOGIN_FAILED = "admin.login_failed"
    PERMISSION_DENIED = "permission.denied"
    SESSION_CREATED = "session.created"
    SESSION_REVOKED = "session.revoked"
    SESSION_EVICTED = "session.evicted"
    TOKEN_REFRESHED = "token.refreshed"
    TOKEN_REPEATED = "token.successor_repeated"
    TOKEN_REPEATED_ELSEWHERE = "token.repeated_elsewhere"
    TOKEN_REFRESH_REJECTED = "token.refresh_rejected"
    TOKEN_REUSE_DETECTED = "token.reuse_detected"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_RETIRED = "key.retired"
    REFRESH_KEY_ROTATED = "key.refresh_rotated"
    RATELIMIT_REFUSED = "ratelimit.refused"
    RATELIMIT_POLICY_CHANGED = "ratelimit.policy_changed"
    RATELIMIT_SHADOW_REPORT = "ratelimit.shadow_report"
    RATELIMIT_STORE_FAILED = "ratelimit.store_failed"
    RATELIMIT_STORE_RECOVERED = "ratelimit.store_recovered"
    NETWORK_SINGLE_ADDRESS = "network.single_address"
    NETWORK_UNTRUSTED_PROXY = "network.untrusted_proxy"
    NETWORK_HEADERS_MANIPULATED = "network.headers_manipulated"
    NETWORK_REQUEST_MANIPULATED = "network.request_manipulated"
    REFUSALS_SUPPRESSED = "network.refusals_suppressed"
    RATELIMIT_ADDRESSES_ROTATED = "ratelimit.addresses_rotated"
    RATELIMIT_ACCOUNTS_SWEPT = "ratelimit.accounts_swept"
    RATELIMIT_USER_AGENTS_ROTATED = "ratelimit.user_agents_rotated"


@dataclass(frozen=True, slots=True)
class Definition:
    """What is fixed for a type: its category, severity, OCSF class id (schema 1.x) and risk from 0 to 100."""

    category: Category
    severity: Severity
    ocsf_class: int
    base_risk: int


# OCSF 1.x class ids: https://schema.ocsf.io
ACCOUNT_CHANGE = 3001
AUTHENTICATION = 3002
AUTHORIZE_SESSION = 3003
ENTITY_MANAGEMENT = 3004
COMPLIANCE_FINDING = 2003
DETECTION_FINDING = 2004
API_ACTIVITY = 6003
APPLICATION_LIFECYCLE = 6002

_account, _authentication, _session = Category.ACCOUNT, Category.AUTHENTICATION, Category.SESSION
_network, _ratelimit = Category.NETWORK, Category.RATELIMIT

CATALOGUE: Mapping[EventType, Definition] = MappingProxyType(
    {
        EventType.ACCOUNT_REGISTERED: Definition(_account, Severity.INFO, ACCOUNT_CHANGE, 0),
        EventType.ACCOUNT_REGISTRATION_REPEATED: Definition(_account, Severity.LOW, ACCOUNT_CHANGE, 10),
        EventType.ACCOUNT_REGISTRATION_REQUESTED: Definition(_account, Severity.INFO, ACCOUNT_CHANGE, 0),
        EventType.ACCOUNT_RECLAIMED: Definition(_account, Severity.HIGH, ACCOUNT_CHANGE, 50),
        EventType.ACCOUNT_PROFILE_UPDATED: Definition(_account, Severity.INFO, ACCOUNT_CHANGE, 0),
        EventType.ACCOUNT_ACTIVATED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.ACCOUNT_DEACTIVATED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.ACCOUNT_ADMIN_CREATED: Definition(_account, Severity.HIGH, ACCOUNT_CHANGE, 30),
        EventType.ACCOUNT_EXPORTED: Definition(_account, Severity.LOW, ACCOUNT_CHANGE, 10),
        EventType.ACCOUNT_DELETION_REQUESTED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 20),
        EventType.ACCOUNT_RESTORED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.ACCOUNT_ERASED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 0),
        EventType.ACCOUNT_IMPORTED: Definition(_account, Severity.INFO, ACCOUNT_CHANGE, 0),
        EventType.ACCOUNT_TAKEOVER_REPORTED: Definition(_account, Severity.HIGH, ACCOUNT_CHANGE, 80),
        EventType.EMAIL_CONFIRMATION_REQUESTED: Definition(_account, Severity.INFO, ACCOUNT_CHANGE, 0),
        EventType.EMAIL_CONFIRMED: Definition(_account, Severity.INFO, ACCOUNT_CHANGE, 0),
        EventType.EMAIL_CHANGE_REQUESTED: Definition(_account, Severity.LOW, ACCOUNT_CHANGE, 10),
        EventType.EMAIL_CHANGED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 20),
        EventType.EMAIL_RESTORED: Definition(_account, Severity.HIGH, ACCOUNT_CHANGE, 50),
        EventType.MAILED_TOKEN_REFUSED: Definition(_account, Severity.LOW, ACCOUNT_CHANGE, 10),
        EventType.PASSWORD_RESET_REQUESTED: Definition(_account, Severity.LOW, ACCOUNT_CHANGE, 10),
        EventType.PASSWORD_RESET: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 15),
        EventType.PASSWORD_CHANGED: Definition(_account, Severity.LOW, ACCOUNT_CHANGE, 5),
        EventType.PASSWORD_CHANGE_FAILED: Definition(_account, Severity.LOW, ACCOUNT_CHANGE, 20),
        EventType.PASSWORD_HASH_UPGRADED: Definition(_account, Severity.INFO, ACCOUNT_CHANGE, 0),
        EventType.LOGIN_SUCCEEDED: Definition(_authentication, Severity.INFO, AUTHENTICATION, 0),
        EventType.LOGIN_FAILED: Definition(_authentication, Severity.LOW, AUTHENTICATION, 20),
        EventType.SIGN_IN_LOCKED: Definition(_authentication, Severity.MEDIUM, AUTHENTICATION, 50),
        EventType.SIGN_IN_LOCK_EXPIRED: Definition(_authentication, Severity.INFO, AUTHENTICATION, 0),
        EventType.SIGN_IN_UNLOCKED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.REAUTHENTICATED: Definition(_authentication, Severity.INFO, AUTHENTICATION, 0),
        EventType.REAUTHENTICATION_FAILED: Definition(_authentication, Severity.LOW, AUTHENTICATION, 25),
        EventType.MFA_CHALLENGED: Definition(_authentication, Severity.INFO, AUTHENTICATION, 0),
        EventType.MFA_FAILED: Definition(_authentication, Severity.LOW, AUTHENTICATION, 30),
        EventType.MFA_LOCKED: Definition(_authentication, Severity.HIGH, AUTHENTICATION, 60),
        EventType.MFA_FACTOR_ADDED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.MFA_FACTOR_REMOVED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 30),
        EventType.MFA_RECOVERY_CODES_MADE: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.MFA_RECOVERY_CODE_USED: Definition(_authentication, Severity.MEDIUM, AUTHENTICATION, 20),
        EventType.MFA_SIGN_COUNT_REGRESSED: Definition(_authentication, Severity.HIGH, AUTHENTICATION, 70),
        EventType.SOCIAL_ACCOUNT_LINKED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.SOCIAL_ACCOUNT_UNLINKED: Definition(_account, Severity.MEDIUM, ACCOUNT_CHANGE, 10),
        EventType.SOCIAL_LOGIN_FAILED: Definition(_authentication, Severity.LOW, AUTHENTICATION, 20),
        EventType.SOCIAL_ACCOUNT_PREEMPTED: Definition(_account, Severity.HIGH, ACCOUNT_CHANGE, 50),
        EventType.ADMIN_LOGIN_SUCCEEDED: Definition(_authentication, Severity.LOW, AUTHENTICATION, 5),
        EventType.ADMIN_LOGIN_FAILED: Definition(_authentication, Severity.MEDIUM, AUTHENTICATION, 40),
        EventType.PERMISSION_DENIED: Definition(Category.AUTHORIZATION, Severity.LOW, AUTHORIZE_SESSION, 20),
        EventType.SESSION_CREATED: Definition(_session, Severity.INFO, AUTHENTICATION, 0),
        EventType.SESSION_REVOKED: Definition(_session, Severity.INFO, AUTHENTICATION, 0),
        EventType.SESSION_EVICTED: Definition(_session, Severity.LOW, AUTHENTICATION, 5),
        EventType.TOKEN_REFRESHED: Definition(_session, Severity.INFO, AUTHENTICATION, 0),
        EventType.TOKEN_REPEATED: Definition(_session, Severity.INFO, AUTHENTICATION, 5),
        EventType.TOKEN_REPEATED_ELSEWHERE: Definition(_session, Severity.MEDIUM, AUTHENTICATION, 50),
        EventType.TOKEN_REFRESH_REJECTED: Definition(_session, Severity.LOW, AUTHENTICATION, 20),
        EventType.TOKEN_REUSE_DETECTED: Definition(_session, Severity.HIGH, AUTHENTICATION, 90),
        EventType.KEY_CREATED: Definition(Category.KEY, Severity.MEDIUM, ENTITY_MANAGEMENT, 0),
        EventType.KEY_ROTATED: Definition(Category.KEY, Severity.MEDIUM, ENTITY_MANAGEMENT, 5),
        EventType.KEY_RETIRED: Definition(Category.KEY, Severity.MEDIUM, ENTITY_MANAGEMENT, 5),
        EventType.REFRESH_KEY_ROTATED: Definition(Category.KEY, Severity.MEDIUM, ENTITY_MANAGEMENT, 5),
        EventType.RATELIMIT_REFUSED: Definition(_ratelimit, Severity.LOW, API_ACTIVITY, 20),
        EventType.RATELIMIT_POLICY_CHANGED: Definition(_ratelimit, Severity.MEDIUM, ENTITY_MANAGEMENT, 10),
        EventType.RATELIMIT_SHADOW_REPORT: Definition(_ratelimit, Severity.INFO, API_ACTIVITY, 0),
        EventType.RATELIMIT_STORE_FAILED: Definition(_ratelimit, Severity.HIGH, APPLICATION_LIFECYCLE, 30),
        EventType.RATELIMIT_STORE_RECOVERED: Definition(_ratelimit, Severity.INFO, APPLICATION_LIFECYCLE, 0),
        EventType.NETWORK_SINGLE_ADDRESS: Definition(_network, Severity.HIGH, COMPLIANCE_FINDING, 30),
        EventType.NETWORK_UNTRUSTED_PROXY: Definition(_network, Severity.HIGH, COMPLIANCE_FINDING, 30),
        EventType.NETWORK_HEADERS_MANIPULATED: Definition(_network, Severity.LOW, DETECTION_FINDING, 25),
        EventType.NETWORK_REQUEST_MANIPULATED: Definition(_network, Severity.LOW, DETECTION_FINDING, 35),
        EventType.REFUSALS_SUPPRESSED: Definition(_network, Severity.MEDIUM, DETECTION_FINDING, 40),
        EventType.RATELIMIT_ADDRESSES_ROTATED: Definition(_ratelimit, Severity.MEDIUM, DETECTION_FINDING, 60),
        EventType.RATELIMIT_ACCOUNTS_SWEPT: Definition(_ratelimit, Severity.MEDIUM, DETECTION_FINDING, 60),
        EventType.RATELIMIT_USER_AGENTS_ROTATED: Definition(_ratelimit, Severity.MEDIUM, DETECTION_FINDING, 50),
    }
)
