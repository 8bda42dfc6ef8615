"""The kinds of second factors. To add one, write a module with the members of ``SecondFactor`` and list it here."""

from collections.abc import Mapping

from allauth.mfa.models import Authenticator

from accounts.factors import recovery_codes, totp, webauthn
from accounts.factors.protocol import SecondFactor
from accounts.types import FactorMethod

# In the order in which a sign-in offers them.
SECOND_FACTORS: Mapping[FactorMethod, SecondFactor] = {
    FactorMethod.TOTP: totp,
    FactorMethod.WEBAUTHN: webauthn,
    FactorMethod.RECOVERY_CODE: recovery_codes,
}
# The value of ``Authenticator.type`` in allauth's rows. Ours is the name that the API uses.
AUTHENTICATOR_TYPES: Mapping[FactorMethod, str] = {
    FactorMethod.TOTP: Authenticator.Type.TOTP,
    FactorMethod.WEBAUTHN: Authenticator.Type.WEBAUTHN,
    FactorMethod.RECOVERY_CODE: Authenticator.Type.RECOVERY_CODES,
}
