"""Example values of the OpenAPI document."""

from typing import Any

USER: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11",
    "username": "mina",
    "email": "mina@example.com",
    "email_confirmed": True,
    "full_name": "Mina Karimi",
    "locale": "en",
    "is_active": True,
    "roles": [],
    "tier": "free",
    "mfa_enabled": False,
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:00:00Z",
}
ADMIN_USER: dict[str, Any] = {
    **USER,
    "department": "Sales",
    "location": "Lisbon",
    "deleted_at": None,
    "last_login_at": "2026-01-05T10:00:00Z",
    "risk": None,
}
MFA_CHALLENGE: dict[str, Any] = {
    "token": "cdc_pZ6y0m6o3r1qk2vJwV2xJc9iUO4r3o2p8uYcA0dPz1E",
    "methods": ["totp", "recovery_code"],
    "expires_in": 300,
    "webauthn": None,
}
REQUEST_OPTIONS: dict[str, Any] = {
    "challenge": "XGqMIRKyvToTzOxkFjKePp44XhcJiZ8Qa4FdVDbjVLI",
    "rpId": "id.example.com",
    "allowCredentials": [{"type": "public-key", "id": "8HhVmhYQ2wbB0nPzkzT6dQ"}],
    "userVerification": "preferred",
    "timeout": 300000,
}
PASSKEY_OPTIONS: dict[str, Any] = {**REQUEST_OPTIONS, "allowCredentials": [], "userVerification": "required"}
CREATION_OPTIONS: dict[str, Any] = {
    "rp": {"id": "id.example.com", "name": "Example"},
    "user": {"id": "0q1Vb3Rkc3lQm5pYt9oX2uCw8eZa7fHj4gKl6iNn1sI", "name": "mina", "displayName": "Mina Karimi"},
    "challenge": "PaYMmsF4o3FIpufkUs6en86zBFl1iWXUSNzT9kEB9uk",
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
    "excludeCredentials": [],
    "authenticatorSelection": {
        "residentKey": "preferred",
        "requireResidentKey": False,
        "userVerification": "preferred",
    },
    "attestation": "none",
    "extensions": {"credProps": True},
    "timeout": 300000,
}
ASSERTION: dict[str, Any] = {
    "id": "8HhVmhYQ2wbB0nPzkzT6dQ",
    "rawId": "8HhVmhYQ2wbB0nPzkzT6dQ",
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAABw",
        "signature": "MEUCIQDk0Z3yQ0m0b8w7Yk1cYVtqz",
        "userHandle": None,
    },
    "clientExtensionResults": {},
}
ATTESTATION: dict[str, Any] = {
    **{name: ASSERTION[name] for name in ("id", "rawId", "type")},
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
        "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVik",
    },
    "clientExtensionResults": {"credProps": {"rk": True}},
}
FACTOR: dict[str, Any] = {
    "id": "019b8d5a-7f00-7b11-8c2d-1e2f3a4b5c6d",
    "type": "webauthn",
    "name": "Blue key",
    "created_at": "2026-01-05T10:00:00Z",
    "last_used_at": None,
    "passkey": True,
    "synchronised": False,
}
RECOVERY_CODES = ["4821-9930-1147", "0772-5518-9034", "6610-2245-7781"]
PASSWORD = "violet harbour drum kite"
NEW_PASSWORD = "copper lantern seven owls"
ACTIVITY: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12",
    "type": "authentication.login_succeeded",
    "occurred_at": "2026-01-05T10:00:00Z",
    "severity": "info",
    "outcome": "success",
    "ip_address": "203.0.113.7",
    "user_agent": "Phone/1.0",
    "session_id": None,
    "details": {"amr": ["pwd"]},
    "explanation": [],
}
EXPORT: dict[str, Any] = {
    "format": 1,
    "exported_at": "2026-01-05T11:00:00Z",
    "account": {
        "id": USER["id"],
        "username": "mina",
        "email": "mina@example.com",
        "email_confirmed_at": "2026-01-05T10:00:00Z",
        "full_name": "Mina Karimi",
        "locale": "en",
        "roles": [],
        "tier": "free",
        "department": "",
        "location": "",
        "is_active": True,
        "mfa_enabled": True,
        "created_at": "2026-01-05T10:00:00Z",
        "updated_at": "2026-01-05T10:00:00Z",
        "last_login_at": "2026-01-05T10:00:00Z",
        "deletion_requested_at": None,
    },
    "sessions": {"results": [], "is_truncated": False},
    "second_factors": [
        {"method": "totp", "name": "", "created_at": "2026-01-05T10:00:00Z", "last_used_at": None},
    ],
    "social_accounts": [],
    "imports": [],
    "security_events": {
        "results": [ACTIVITY],
        "is_truncated": False,
        "all_at": "/api/v1/auth/me/security-events",
    },
    "incidents": {"results": [], "is_truncated": False},
}
TIMESTAMP = "2026-01-05T10:00:00Z"
MAILED_TOKEN = "cdm_AgGbjVpMHnown1INb2sPihFoNfS3Wf0kq4Jj0uC2mWJH"
PROVIDERS: list[dict[str, Any]] = [
    {"id": "google", "kind": "google", "name": "Google"},
    {"id": "staff", "kind": "openid_connect", "name": "Staff"},
]
REDIRECT_URI = "https://app.example.com/signed-in"
STATE = "cds_8m1nYp3u7kq2vJwV2xJc9iUO4r3o2p8uYcA0dPz1E5g"
AUTHORIZATION: dict[str, Any] = {
    "authorization_url": "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=cedrina&state="
    + STATE,
    "state": STATE,
}
RETURN: dict[str, Any] = {
    "code": "4/0AVG7fiQm5rB",
    "state": STATE,
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "iss": "https://accounts.google.com",
}
SOCIAL_TOKEN: dict[str, Any] = {
    "id_token": "eyJhbGciOiJSUzI1NiIsImtpZCI6ImExIn0.eyJpc3MiOiJodHRwczovL2FjY291bnRzLmdvb2dsZS5jb20ifQ.c2ln",
    "access_token": "ya29.a0AfB_byC",
    "nonce": "n-0S6_WzA2Mj",
}
SOCIAL_ACCOUNT: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a13",
    "provider": "google",
    "name": "Mina Karimi",
    "email": "mina@example.com",
    "created_at": TIMESTAMP,
    "last_login_at": TIMESTAMP,
}
