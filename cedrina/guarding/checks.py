"""A start-up check: each route names a permission, or says that it needs none."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def check_routes(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse to start with a route that nobody has thought about."""
    # Every process imports this module when it starts; few check, and all views are imported for it.
    from cedrina.guarding import routes  # noqa: PLC0415 - see above

    found = routes.undeclared([*routes.guarded_routes(), *routes.guarded_sockets()])
    return [
        Error(
            f"{route.method} /{route.path} neither names a permission nor is declared public.",
            hint="Give its view action_permission(...), or add the route to cedrina/guarding/public_routes.py.",
            id="cedrina.E010",
        )
        for route in found
    ]
