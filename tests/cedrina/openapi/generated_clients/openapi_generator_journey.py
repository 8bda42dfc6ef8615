"""A person's journey with the client that openapi-generator makes for Python: ``journey.py ADDRESS NAME``."""

import json
import sys

from cedrina_client import (
    AccountsApi,
    ApiClient,
    ApiException,
    Configuration,
    LoginInputRequest,
    LogoutInputRequest,
    Problem,
    RefreshInputRequest,
    RegistrationInputRequest,
    SignInApi,
)

address, name = sys.argv[1:]


def refusal(call, *arguments, **options):
    """Return the problem that a call is refused with."""
    problem = None
    try:
        call(*arguments, **options)
    except ApiException as error:
        problem = error.data
    if not isinstance(problem, Problem):
        raise TypeError(problem)
    return [problem.status, problem.code]


configuration = Configuration(host=address)
client = ApiClient(configuration)
sign_in, accounts = SignInApi(client), AccountsApi(client)
registered = sign_in.register(
    RegistrationInputRequest(username=name, email=f"{name}@example.com", password="violet harbour drum kite")
)
wrong = LoginInputRequest(username=name, password="not this one")
refused = refusal(sign_in.login, wrong)
not_acceptable = refusal(sign_in.login, wrong, _headers={"Accept": "text/csv"})
tokens = sign_in.refresh(RefreshInputRequest(refresh_token=registered.tokens.refresh_token))
configuration.access_token = tokens.access_token
user = accounts.me()
signed_out = sign_in.logout_with_http_info(LogoutInputRequest()).status_code
sys.stdout.write(
    json.dumps(
        {
            "username": user.username,
            "refused": refused,
            "not_acceptable": not_acceptable,
            "signed_out": signed_out,
            "ended": refusal(accounts.me),
        }
    )
)
