"""Write the detection rules in Sigma, the language in which monitoring systems exchange rules."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, ReportingCommand
from security_events.detection import rules
from security_events.exporters import sigma
from security_events.services.detection import rule_settings


class Command(ReportingCommand):
    help = gettext_noop(
        "Write the detection rules with the thresholds in force as files of Sigma, one for each rule that Sigma has "
        "words for. Files of the same names are replaced."
    )
    examples = ("export_sigma sigma",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "directory", type=Path, help=gettext("where to write the files; it is made if it is missing")
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        rules.load()
        rule_settings.refresh()
        directory: Path = options["directory"]
        written, without = [], []
        for rule in rules.RULES.values():
            if rule.sigma is None:
                without.append(rule.id)
                continue
            written.append(f"{rule.id}.yml")
            self._write(directory / written[-1], sigma.sigma_yaml(rule, rule_settings.of(rule).thresholds))
        return {"directory": str(directory), "written": written, "without_words": without}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            gettext("%(number)d rules were written to %(directory)s.")
            % {"number": len(result["written"]), "directory": result["directory"]}
        )
        if result["without_words"]:
            names = ", ".join(result["without_words"])
            self.stdout.write(gettext("Sigma has no words for these: %(rules)s.") % {"rules": names})

    def _write(self, path: Path, text: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            self.fail(
                "usage",
                gettext("%(path)s can't be written: %(error)s.") % {"path": path, "error": error.strerror},
                exit_code=USAGE,
            )
