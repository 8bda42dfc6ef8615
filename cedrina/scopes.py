"""The scopes of service clients whose calls belong to apps that don't know ``tokens``."""

from django.utils.translation import gettext_lazy as _

from tokens.service_clients.scopes import Scope, register

READ_FIGURES = register(Scope("metrics:read", _("read the figures and the health of this installation")))
READ_EVENTS = register(Scope("events:read", _("read and pull all security events")))
READ_INCIDENTS = register(Scope("incidents:read", _("read incidents and what was done about them")))
READ_RATE_LIMITS = register(Scope("rate_limits:read", _("read the policies of the rate limiter")))
