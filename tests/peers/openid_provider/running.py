"""Start oidc-provider, and walk a person through its pages as their browser would."""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tests.programs import node_packages

HERE = Path(__file__).parent
CLIENT_ID, CLIENT_SECRET = "cedrina", "a secret of the tests"
REDIRECT_URI = "http://127.0.0.1:8401/signed-in"


@contextmanager
def openid_provider():
    """Give the address of a provider, ended afterwards."""
    node_packages.install(HERE)
    process = subprocess.Popen(
        ["node", "server.mjs", REDIRECT_URI], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        line = process.stdout.readline()
        assert line, f"the provider ended with {process.wait(timeout=120)}"
        yield json.loads(line)["issuer"]
    finally:
        process.terminate()
        process.wait(timeout=120)
        process.stdout.close()


def setting(issuer, **members):
    """Return SOCIAL_PROVIDERS with this provider in it."""
    entry = {
        "id": "staff",
        "kind": "openid_connect",
        "name": "Staff",
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "redirect_uris": [REDIRECT_URI],
        **members,
    }
    return json.dumps([entry])


def walk(authorization_url, *, login):
    """Sign in at the provider, agree, and return the parameters that its answer brings to the redirect URI."""
    # Not kept between origins: the browser's own cookie jar for the provider.
    with httpx.Client(timeout=120) as browser:
        answer = browser.get(authorization_url)
        for _page in range(12):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(REDIRECT_URI):
                    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
                answer = browser.get(target)
            elif 'name="prompt" value="login"' in answer.text:
                answer = browser.post(
                    str(answer.url), data={"prompt": "login", "login": login, "password": "whatever it is"}
                )
            elif 'name="prompt" value="consent"' in answer.text:
                answer = browser.post(str(answer.url), data={"prompt": "consent"})
            else:
                raise AssertionError(f"{answer.status_code} {answer.text[:400]}")
    raise AssertionError("the provider's pages go on and on")
