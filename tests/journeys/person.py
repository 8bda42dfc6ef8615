"""A person with a client that keeps its tokens, as an application would."""

import secrets

import httpx

PASSWORD = "four quiet green lamps"
NEW_PASSWORD = "seven brass kettles sing"


class Person:
    """Holds one device's tokens; ``device`` gives the same person a second one."""

    def __init__(self, server, *, number=0, name=None, user_agent="Journey/1.0"):
        self.name = name or f"walker-{number}-{secrets.token_hex(3)}"
        self.address = f"{self.name}@example.com"
        self.password = PASSWORD
        self.tokens = None
        self.devices = []
        self.client = httpx.Client(timeout=90, headers={"User-Agent": user_agent})
        self.move_to(server)

    def move_to(self, server):
        """Talk to another server from now on."""
        self.base = f"{server.url}/api/v1"

    def close(self):
        self.client.close()
        for device in self.devices:
            device.close()

    def send(self, method, path, body=None, *, token=None, headers=None):
        """Send a request, with the access token where there is one; ``token=""`` sends none."""
        bearer = (self.tokens or {}).get("access_token") if token is None else token
        authorization = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self.client.request(method, self.base + path, json=body, headers={**authorization, **(headers or {})})

    def register(self, **members):
        body = {"username": self.name, "email": self.address, "password": self.password, **members}
        answer = self.send("POST", "/auth/register", body, token="")
        if answer.status_code == 201:
            self.tokens = answer.json()["tokens"]
        return answer

    def sign_in(self, *, name=None, password=None):
        body = {"username": name or self.name, "password": password or self.password}
        answer = self.send("POST", "/auth/login", body, token="")
        if answer.status_code == 200:
            self.tokens = answer.json()["tokens"]
        return answer

    def device(self, server, *, user_agent="Tablet/2.0"):
        """Return this person signed in once more, elsewhere."""
        again = Person(server, name=self.name, user_agent=user_agent)
        again.password = self.password
        self.devices.append(again)
        assert again.sign_in().status_code == 200
        return again

    def refresh(self, refresh_token=None):
        body = {"refresh_token": refresh_token or self.tokens["refresh_token"]}
        answer = self.send("POST", "/auth/refresh", body, token="")
        if answer.status_code == 200 and refresh_token is None:
            self.tokens = answer.json()
        return answer

    def me(self, **options):
        return self.send("GET", "/auth/me", **options)

    @property
    def is_signed_in(self):
        return self.me().status_code == 200
