"""The text that `make run` prints when all processes run."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - to translate it, not to listen on it

TEXT = """
Cedrina is running; Ctrl-C ends it.

  {address}/           where everything is
  {address}/api/docs   the API
  {address}/admin/     the administration: {account}
  {address}/dev/mail   the mails that were sent

Try it:

  curl -s {address}/api/v1/auth/register -H 'Content-Type: application/json' \\
    -d '{{"username": "ada", "email": "ada@example.org", "password": "four quiet green lamps"}}'

  TOKEN=$(curl -s {address}/api/v1/auth/login -H 'Content-Type: application/json' \\
    -d '{{"username": "ada", "password": "four quiet green lamps"}}' | sed 's/.*"access_token":"\\([^"]*\\).*/\\1/')

  curl -s {address}/api/v1/auth/me -H "Authorization: Bearer $TOKEN"
"""


def text(*, address: str, administrator: str, password: str | None) -> str:
    """Return the addresses, the administrator's password and three calls to try."""
    known = f"{administrator}, password {password}" if password else f"{administrator}, whose password you know"
    return TEXT.format(address=address, account=known)


def reachable(host: str) -> str:
    """Return a host for a URL: loopback for a server that listens on all addresses."""
    if host in EVERYWHERE:
        return EVERYWHERE[host]
    return f"[{host}]" if ":" in host else host
