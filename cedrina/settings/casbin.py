"""What django-casbin-auth reads to make the enforcer, if Casbin decides in place of the compiled index.

It is not among INSTALLED_APPS: its commands, middlewares and backend work on the rows behind the back of access
control.
"""

from pathlib import Path
from typing import Any

_MODEL = Path(__file__).resolve().parents[2] / "accounts" / "access" / "model.conf"

DAUTHZ: dict[str, Any] = {
    "DEFAULT": {
        "MODEL": {"CONFIG_TYPE": "file", "CONFIG_FILE_PATH": str(_MODEL)},
        "ADAPTER": {"NAME": "accounts.access.services.casbin_engine.adapter.PolicyAdapter"},
        "LOG": {"ENABLED": False},
    }
}
