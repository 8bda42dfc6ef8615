"""The sign-in at the admin in a browser."""


def sign_in(page, server, password, *, name="boss", recovery_code=None):
    """Sign a member of staff in by the form."""
    page.goto(f"{server.url}/admin/")
    page.fill("#id_username", name)
    page.fill("#id_password", password)
    page.click("input[type=submit]")
    if recovery_code:
        page.fill("#id_code", recovery_code)
        page.click("input[type=submit]")
    page.wait_for_selector("#logout-form")
