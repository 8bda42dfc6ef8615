"""Write the file of cedrina/monitoring/support_bundle."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cedrina.monitoring.support_bundle import bundle
from cedrina_base.operator_commands import ReportingCommand


class Command(ReportingCommand):
    help = gettext_noop(
        "Write one file for whoever helps you: versions, configuration, health, last errors and statistics of the "
        "database, without secrets and without data about people."
    )
    examples = ("support_bundle", "support_bundle --output support.zip")
    # What is wrong with the configuration is a part of the bundle, and no reason not to write it.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--output", type=Path, help=_("the new file (default: cedrina-support-TIME.zip in this folder)")
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        path: Path = options["output"] or Path(f"cedrina-support-{now:%Y%m%dT%H%M%S}.zip")
        try:
            sizes = bundle.write(path, now=now)
        except FileExistsError:
            self.fail("already_exists", _("%(path)s exists already; name another file.") % {"path": path})
        except OSError as error:
            values = {"path": path, "reason": error.strerror}
            self.fail("not_written", _("%(path)s can't be written: %(reason)s.") % values)
        return {"path": str(path), "files": dict(sizes)}

    def sentence(self, result: dict[str, Any]) -> str:
        values = {"path": result["path"], "count": len(result["files"])}
        return _("%(path)s has %(count)d files. Look into it before you hand it on.") % values
