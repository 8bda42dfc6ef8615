"""A person's journey with the client that openapi-python-client makes: ``journey.py ADDRESS NAME``."""

import json
import sys

from cedrina_client import AuthenticatedClient, Client
from cedrina_client.api.accounts import me
from cedrina_client.api.sign_in import login, logout, refresh, register
from cedrina_client.models import (
    LoginInputRequest,
    LogoutInputRequest,
    Problem,
    ProblemCode,
    RefreshInputRequest,
    RegistrationInputRequest,
    RegistrationOutput,
    TokenPairOutput,
    UserOutput,
)

address, name = sys.argv[1:]
stranger = Client(base_url=address)

registered = register.sync(
    client=stranger,
    body=RegistrationInputRequest(username=name, email=f"{name}@example.com", password="violet harbour drum kite"),
)
assert isinstance(registered, RegistrationOutput), registered

refused = login.sync_detailed(client=stranger, body=LoginInputRequest(username=name, password="not this one"))
assert isinstance(refused.parsed, Problem), refused
assert refused.parsed.code is ProblemCode.INVALID_CREDENTIALS

picky = Client(base_url=address, headers={"Accept": "text/csv"})
not_acceptable = login.sync(client=picky, body=LoginInputRequest(username=name, password="not this one"))
assert isinstance(not_acceptable, Problem), not_acceptable

tokens = refresh.sync(client=stranger, body=RefreshInputRequest(refresh_token=registered.tokens.refresh_token))
assert isinstance(tokens, TokenPairOutput), tokens

person = AuthenticatedClient(base_url=address, token=tokens.access_token)
user = me.sync(client=person)
assert isinstance(user, UserOutput), user

signed_out = logout.sync_detailed(client=person, body=LogoutInputRequest())
ended = me.sync(client=person)
assert isinstance(ended, Problem), ended

sys.stdout.write(
    json.dumps(
        {
            "username": user.username,
            "refused": [refused.status_code, refused.parsed.code.value],
            "not_acceptable": [not_acceptable.status, not_acceptable.code.value],
            "signed_out": signed_out.status_code,
            "ended": [ended.status, ended.code.value],
        }
    )
)
