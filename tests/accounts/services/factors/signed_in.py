"""People who show the code of their application."""

from accounts.factors.registry import FactorMethod
from accounts.services.factors import mfa_sign_in
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import password_sign_in, reauthentication
from tests.factories.accounts import PASSWORD
from tests.factories.factors import code_of, secret_of
from tests.factories.tokens import open_session
from tokens.types import ClientContext


def _response(user, now):
    return FactorResponse(FactorMethod.TOTP, code_of(secret_of(user), now))


def sign_in_with_code(user, *, now):
    client = ClientContext()
    challenge = password_sign_in.sign_in(name=user.username, password=PASSWORD, client=client, now=now)
    return mfa_sign_in.complete(token=challenge.token, response=_response(user, now), client=client, now=now)


def reauthenticate_with_code(user, *, now):
    session_id = open_session(user=user, now=now).session_id
    return reauthentication.show(user=user, session_id=session_id, response=_response(user, now), now=now)
