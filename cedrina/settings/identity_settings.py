"""The part of the table for tokens, passwords, social sign-in and second factors."""

from cedrina.settings.environment_setting import EnvironmentSetting, SettingType

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

TOKENS = [
    EnvironmentSetting(
        "TOKEN_PROFILE",
        SettingType.CHOICE,
        "standard",
        "`hardened` ends sessions after 30 idle minutes and after 12 hours, unless the two settings say otherwise.",
        choices=("standard", "hardened"),
    ),
    EnvironmentSetting(
        "TOKEN_ISSUER", SettingType.TEXT, None, "The `iss` of access tokens.", default_text="`PUBLIC_URL`"
    ),
    EnvironmentSetting("TOKEN_AUDIENCE", SettingType.TEXT, "cedrina", "The `aud` of access tokens."),
    EnvironmentSetting(
        "ACCESS_TOKEN_ALGORITHM",
        SettingType.CHOICE,
        "RS256",
        "The algorithm of new signing keys; `EdDSA` is Ed25519. After a change, `manage.py rotate_signing_key` makes a "
        "key of the new one. See key-rotation.md.",
        choices=("RS256", "ES256", "EdDSA"),
    ),
    EnvironmentSetting(
        "ACCESS_TOKEN_SECONDS",
        SettingType.NUMBER,
        15 * MINUTE,
        "How long an access token lives.",
        unit="seconds",
        minimum=30,
        maximum=DAY,
    ),
    EnvironmentSetting(
        "SESSION_IDLE_SECONDS",
        SettingType.NUMBER,
        None,
        "A session ends after this long without use.",
        default_text="604800 (7 days), hardened 1800",
        unit="seconds",
        minimum=MINUTE,
    ),
    EnvironmentSetting(
        "SESSION_ABSOLUTE_SECONDS",
        SettingType.NUMBER,
        None,
        "A session ends this long after the sign-in, used or not.",
        default_text="2592000 (30 days), hardened 43200",
        unit="seconds",
        minimum=MINUTE,
    ),
    EnvironmentSetting(
        "REFRESH_RACE_SECONDS",
        SettingType.NUMBER,
        10,
        "How long racing tabs are given the same successor of a refresh token: those of the client that got it, in the "
        "same network and with the same kind of user agent.",
        unit="seconds",
        minimum=0,
        maximum=60,
    ),
    EnvironmentSetting(
        "REFRESH_LOST_REPLY_HOURS",
        SettingType.NUMBER,
        24,
        "How long a successor that was never used is given again, because its reply was lost.",
        unit="hours",
        minimum=0,
        maximum=168,
    ),
    EnvironmentSetting(
        "REFRESH_OWN_REPEATS",
        SettingType.NUMBER,
        10,
        "In how many generations in a row a lost reply is forgiven; the next is taken for theft.",
        minimum=0,
        maximum=1000,
    ),
    EnvironmentSetting(
        "REFRESH_FOREIGN_REPEATS",
        SettingType.NUMBER,
        2,
        "In how many of them it may be another client that asks again than the one that has the successor: from "
        "another network or with another kind of user agent. Not more than `REFRESH_OWN_REPEATS`.",
        minimum=0,
        maximum=1000,
    ),
    EnvironmentSetting(
        "REFRESH_KEY_EPOCH",
        SettingType.NUMBER,
        1,
        "The epoch of the key that refresh tokens are made with, at the least: `manage.py rotate_refresh_key` begins "
        "the next one without a restart, and the higher of the two counts. See key-rotation.md.",
        minimum=1,
        maximum=255,
    ),
    EnvironmentSetting(
        "JWKS_PROPAGATION_SECONDS",
        SettingType.NUMBER,
        300,
        "How long a new signing key is published before it signs.",
        unit="seconds",
        minimum=2 * MINUTE,
        maximum=DAY,
    ),
    EnvironmentSetting(
        "MAX_SESSIONS_PER_USER",
        SettingType.NUMBER,
        5,
        "Sessions that one person may have; those of the admin are counted by themselves.",
        minimum=1,
        maximum=1000,
    ),
    EnvironmentSetting(
        "SESSION_OVERFLOW",
        SettingType.CHOICE,
        "evict_oldest",
        "What the session beyond the limit does: it ends the oldest, as at the admin always, or it is refused.",
        choices=("evict_oldest", "reject"),
    ),
]

PASSWORDS = [
    EnvironmentSetting(
        "PASSWORD_MIN_LENGTH", SettingType.NUMBER, 12, "Shortest password.", unit="characters", minimum=8, maximum=64
    ),
    EnvironmentSetting(
        "PASSWORD_HISTORY", SettingType.NUMBER, 5, "Former passwords that may not come back.", minimum=0, maximum=50
    ),
    EnvironmentSetting(
        "BCRYPT_ROUNDS", SettingType.NUMBER, 12, "Work factor of password hashes.", minimum=4, maximum=20
    ),
    EnvironmentSetting(
        "HASHING_THREADS",
        SettingType.NUMBER,
        2,
        "Threads of a worker that hash passwords, at a lower priority than the rest.",
        minimum=1,
        maximum=64,
    ),
    EnvironmentSetting(
        "HASHING_QUEUE",
        SettingType.NUMBER,
        60,
        "Hashes that may wait in a worker, three quarters of them from one network (IPv4 /16, IPv6 /48). One more, and "
        "the newest of the network that has most waiting is answered 503 with Retry-After.",
        minimum=1,
        maximum=10_000,
    ),
    EnvironmentSetting(
        "HASHING_WAIT_SECONDS",
        SettingType.NUMBER,
        6,
        "How long a hash may wait before its request is answered 503 with Retry-After.",
        unit="seconds",
        minimum=1,
        maximum=60,
    ),
]

SOCIAL = [
    EnvironmentSetting(
        "SOCIAL_PROVIDERS",
        SettingType.OBJECTS,
        [],
        "The providers by which people may sign in: a list of objects with `id`, `kind` (`google`, `microsoft`, "
        "`facebook`, `openid_connect`), `client_id`, `secret` or `secret_file`, `issuer`, `redirect_uris` and more. "
        "social-sign-in.md has them all, with an example for each kind.",
        default_text="none",
        is_secret=True,
    )
]

SECOND_FACTORS = [
    EnvironmentSetting(
        "TOTP_ISSUER",
        SettingType.TEXT,
        None,
        "What authenticator applications and security keys call this installation.",
        default_text="`WEBAUTHN_RP_ID`",
    ),
    EnvironmentSetting(
        "WEBAUTHN_RP_ID",
        SettingType.TEXT,
        None,
        "The domain that security keys and passkeys are made for: that of `PUBLIC_URL` or one above it. With another "
        "one all of them are lost.",
        default_text="the host of `PUBLIC_URL`; `localhost` for a loopback address",
    ),
    EnvironmentSetting(
        "WEBAUTHN_ORIGINS",
        SettingType.LIST,
        (),
        "Origins of the pages on which security keys and passkeys are accepted, `https://app.example.com`.",
        default_text="that of `PUBLIC_URL`",
    ),
]
