"""Events as CloudEvents 1.0.2 in the structured mode of JSON: an envelope around the public form."""

from collections.abc import Mapping
from typing import Any

from security_events.exporters.product import Product

# 3.1.1 "type": it should begin with the reversed name of a domain that its author owns.
TYPE_PREFIX = "dev.cedrina."


def cloud_event(form: Mapping[str, Any], product: Product) -> dict[str, Any]:
    """Return the envelope. ``source`` and ``id`` together are unique, and the same in each delivery (3.1.1 "id")."""
    subject = form["target_id"] or form["actor_id"]
    return {
        "specversion": "1.0",
        "id": form["id"],
        "source": product.source,
        "type": TYPE_PREFIX + form["type"],
        **({"subject": subject} if subject else {}),
        "time": form["occurred_at"],
        "datacontenttype": "application/json",
        "data": dict(form),
    }
