"""Whether a rule can find anything here, whatever its mode."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from security_events import geoip
from security_events.detection.rules import Rule

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NO_PLACES = _("Off: no place of an address is known, because GEOIP_PATH names no file that can be read.")


def unavailable_reason(rule: Rule) -> "StrOrPromise":
    """Return why a rule can find nothing here; an empty text if it can.

    A rule with a threshold in kilometres needs places.
    """
    needs_places = any("kilometres" in name for name in rule.thresholds)
    return NO_PLACES if needs_places and not geoip.is_any_file_readable() else ""
