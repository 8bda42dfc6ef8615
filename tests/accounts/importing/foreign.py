"""Hashes of one password as other systems write them, made with what those use themselves and none of our code."""

import base64
import functools
import hashlib
import json

import argon2
import bcrypt
from django.contrib.auth import hashers

PASSWORD = "violet harbour drum kite"
SALT = bytes(range(16))


def b64(value, *, padded=True):
    text = base64.b64encode(value).decode()
    return text if padded else text.rstrip("=")


def bare(kind, value):
    return hashlib.new(kind, value).hexdigest()


@functools.cache
def _bcrypt_hash(rounds, password):
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(rounds)).decode()


def bcrypt_hash(rounds=10, prefix="2b", password=PASSWORD):
    return _bcrypt_hash(rounds, password).replace("$2b$", f"${prefix}$")


def pbkdf2(digest, iterations, length, salt=SALT):
    return hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), salt, iterations, length)


def argon2_hash(memory=8192, passes=3, lanes=1, kind=argon2.Type.ID):
    maker = argon2.PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes, type=kind)
    return maker.hash(PASSWORD)


def keycloak_pbkdf2(algorithm, digest, iterations, length):
    return keycloak(
        {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": {}},
        {"value": b64(pbkdf2(digest, iterations, length)), "salt": b64(SALT), "additionalParameters": {}},
    )


def keycloak_argon2(memory=7168, passes=5):
    key = argon2.low_level.hash_secret_raw(
        PASSWORD.encode(),
        SALT,
        time_cost=passes,
        memory_cost=memory,
        parallelism=1,
        hash_len=32,
        type=argon2.Type.ID,
        version=19,
    )
    return keycloak(
        {
            "hashIterations": passes,
            "algorithm": "argon2",
            "additionalParameters": {
                "hashLength": ["32"],
                "memory": [str(memory)],
                "type": ["id"],
                "version": ["1.3"],
                "parallelism": ["1"],
            },
        },
        {"value": b64(key), "salt": b64(SALT), "additionalParameters": {}},
    )


def keycloak(data, secret):
    """Return the credentials of a user in a realm export: objects written as text."""
    return {
        "credentials": [
            {"id": "c0", "type": "otp", "secretData": "{}", "credentialData": "{}"},
            {
                "id": "c1",
                "type": "password",
                "createdDate": 1709290800000,
                "secretData": json.dumps(secret),
                "credentialData": json.dumps(data),
            },
        ]
    }


def auth0(algorithm, hash_, **more):
    return {"custom_password_hash": {"algorithm": algorithm, "hash": hash_, **more}}


def salted(kind, *, position, encoding="hex"):
    salt = b"pepper"
    digest = hashlib.new(kind, salt + PASSWORD.encode() if position == "prefix" else PASSWORD.encode() + salt).digest()
    value = digest.hex() if encoding == "hex" else b64(digest)
    return auth0(kind, {"value": value, "encoding": encoding}, salt={"value": "pepper", "position": position})


def ssha():
    return "{SSHA}" + b64(bytes.fromhex(bare("sha1", PASSWORD.encode() + SALT[:8])) + SALT[:8])


def phc_pbkdf2(digest="sha512", iterations=30_000):
    key = pbkdf2(digest, iterations, 64)
    return f"$pbkdf2-{digest}$i={iterations},l=64${b64(SALT, padded=False)}${b64(key, padded=False)}"


def scrypt(n, salt=b"saltsalt"):
    key = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=n, r=8, p=1, dklen=64)
    return auth0(
        "scrypt",
        {"value": key.hex(), "encoding": "hex"},
        salt={"value": salt.hex(), "encoding": "hex"},
        keylen=64,
        cost=n,
        blockSize=8,
        parallelization=1,
    )


def in_django(hasher, **options):
    return hasher().encode(PASSWORD, "seasoning", **options)


# Name: what makes the format, the members that carry the hash, and whether it is too weak to be stored as it is.
# They are made by the test that wants them: at the import each process of a run would compute all, for a second.
KINDS = {
    "django pbkdf2_sha256": lambda: (
        "django",
        {"password": in_django(hashers.PBKDF2PasswordHasher, iterations=36_000)},
        False,
    ),
    "django pbkdf2_sha1": lambda: (
        "django",
        {"password": in_django(hashers.PBKDF2SHA1PasswordHasher, iterations=36_000)},
        False,
    ),
    "django pbkdf2, few": lambda: (
        "django",
        {"password": in_django(hashers.PBKDF2PasswordHasher, iterations=1000)},
        True,
    ),
    "django argon2": lambda: ("django", {"password": "argon2" + argon2_hash(65536, 2, 2)}, False),
    "django argon2i": lambda: ("django", {"password": "argon2" + argon2_hash(16384, 2, 2, argon2.Type.I)}, False),
    "django bcrypt": lambda: ("django", {"password": "bcrypt$" + bcrypt_hash()}, False),
    "django bcrypt_sha256": lambda: (
        "django",
        {"password": "bcrypt_sha256$" + bcrypt_hash(password=hashlib.sha256(PASSWORD.encode()).hexdigest())},
        False,
    ),
    "django bcrypt_sha256, cheap": lambda: (
        "django",
        {"password": "bcrypt_sha256$" + bcrypt_hash(5, password=hashlib.sha256(PASSWORD.encode()).hexdigest())},
        True,
    ),
    "django scrypt": lambda: ("django", {"password": in_django(hashers.ScryptPasswordHasher, p=1)}, False),
    "django md5": lambda: ("django", {"password": "md5$salt$" + bare("md5", b"salt" + PASSWORD.encode())}, True),
    "django bare md5": lambda: ("django", {"password": bare("md5", PASSWORD.encode())}, True),
    "django sha1": lambda: ("django", {"password": "sha1$salt$" + bare("sha1", b"salt" + PASSWORD.encode())}, True),
    "bcrypt 2b": lambda: ("bcrypt", {"password_hash": bcrypt_hash()}, False),
    "bcrypt 2a": lambda: ("bcrypt", {"hash": bcrypt_hash(prefix="2a")}, False),
    "bcrypt 2y": lambda: ("bcrypt", {"password": bcrypt_hash(prefix="2y")}, False),
    "bcrypt, cheap": lambda: ("bcrypt", {"password_hash": bcrypt_hash(4, "2y")}, True),
    "keycloak pbkdf2-sha256": lambda: ("keycloak", keycloak_pbkdf2("pbkdf2-sha256", "sha256", 27_500, 64), False),
    "keycloak pbkdf2-sha512": lambda: ("keycloak", keycloak_pbkdf2("pbkdf2-sha512", "sha512", 30_000, 64), False),
    "keycloak pbkdf2": lambda: ("keycloak", keycloak_pbkdf2("pbkdf2", "sha1", 20_000, 64), False),
    "keycloak pbkdf2, few": lambda: ("keycloak", keycloak_pbkdf2("pbkdf2-sha256", "sha256", 1, 64), True),
    "keycloak argon2": lambda: ("keycloak", keycloak_argon2(), False),
    "keycloak argon2, cheap": lambda: ("keycloak", keycloak_argon2(memory=64, passes=1), True),
    "keycloak before 8": lambda: (
        "keycloak",
        {
            "credentials": [
                {
                    "type": "password",
                    "hashedSaltedValue": b64(pbkdf2("sha256", 20_000, 64)),
                    "salt": b64(SALT),
                    "hashIterations": 20_000,
                    "algorithm": "pbkdf2-sha256",
                }
            ]
        },
        False,
    ),
    "supabase": lambda: ("supabase", {"encrypted_password": bcrypt_hash(10, "2a")}, False),
    "auth0 export": lambda: ("auth0", {"passwordHash": bcrypt_hash()}, False),
    "auth0 bcrypt": lambda: ("auth0", auth0("bcrypt", {"value": bcrypt_hash()}), False),
    "auth0 pbkdf2": lambda: ("auth0", auth0("pbkdf2", {"value": phc_pbkdf2(), "encoding": "utf8"}), False),
    "auth0 argon2": lambda: ("auth0", auth0("argon2", {"value": argon2_hash()}), False),
    "auth0 ldap": lambda: ("auth0", auth0("ldap", {"value": ssha()}), True),
    "auth0 md5": lambda: (
        "auth0",
        auth0("md5", {"value": bare("md5", PASSWORD.encode()), "encoding": "hex"}),
        True,
    ),
    "auth0 sha1, salt before": lambda: ("auth0", salted("sha1", position="prefix"), True),
    "auth0 sha256, salt behind": lambda: ("auth0", salted("sha256", position="suffix"), True),
    "auth0 sha512 in base64": lambda: ("auth0", salted("sha512", position="prefix", encoding="base64"), True),
    "auth0 scrypt": lambda: ("auth0", scrypt(2**14), False),
    "auth0 scrypt, cheap": lambda: ("auth0", scrypt(2**10), True),
}
