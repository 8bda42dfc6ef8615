"""Guesses at a user's password while the user goes on working."""

from tests.journeys.person import Person


def test_a_guesser_waits_and_the_owner_does_not(server, newcomer):
    mina = newcomer(server, user_agent="Browser/1.0")
    mina.register()
    first = mina.sign_in()
    assert first.status_code == 200
    cookie = first.headers["Set-Cookie"]
    assert cookie.startswith("cedrina_device=cdd_")
    assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))

    guesser = Person(server, name=mina.name, user_agent="Guesser/1.0")
    try:
        answers = [guesser.sign_in(password=f"guess number {number}") for number in range(7)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert answers[-1].json()["code"] == "too_many_attempts"
        assert 290 <= int(answers[-1].headers["Retry-After"]) <= 301
        # Not even the right one is looked at.
        assert guesser.sign_in(password=mina.password).status_code == 429
        assert not any("Set-Cookie" in answer.headers for answer in answers)
    finally:
        guesser.close()

    assert mina.is_signed_in
    assert mina.refresh().status_code == 200
    # The browser was brought up to date, and is known by its cookie.
    mina.client.headers["User-Agent"] = "Browser/2.0 (another kind altogether)"
    assert mina.sign_in().status_code == 200
    # That she signed in from this network is nothing that others in it could find out.
    app = newcomer(server, name=mina.name, user_agent="Browser/2.0 (another kind altogether)")
    assert app.sign_in().status_code == 429
    # The administrator ends the wait for everybody else.
    assert server.manage("unlock_account", mina.name) == "2 counts were cleared.\n"
    tablet = newcomer(server, name=mina.name, user_agent="Tablet/1.0")
    assert tablet.sign_in().status_code == 200
