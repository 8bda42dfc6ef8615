"""Serve a witness of other logs."""

import json
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, LocalizedCommand
from security_events.verifier import (
    ED25519,
    ED25519_COSIGNATURE,
    VerificationError,
    VerificationKey,
    parse_verification_key,
    verification_key,
)
from security_events.witness.cosigned_checkpoints import CosignedCheckpoints
from security_events.witness.private_keys import load_or_make_key
from security_events.witness.protocol import Witness


class Command(LocalizedCommand):
    help = gettext_noop(
        "Serve a witness (C2SP tlog-witness): it signs the checkpoints of the logs that you name while their trees "
        "only grow. Run it on another machine than the log. It needs no database; a proxy in front speaks TLS."
    )
    examples = ("witness --name witness.example --state /var/lib/witness",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help=gettext("the witness's name, such as witness.example.org"))
        parser.add_argument(
            "--state",
            type=Path,
            required=True,
            metavar="FOLDER",
            help=gettext("where the key and the newest checkpoints are kept; whoever loses it must change the key"),
        )
        parser.add_argument(
            "--log", action="append", default=[], metavar="KEY", help=gettext("key of a log, name+id+base64")
        )
        parser.add_argument("--bind", default="127.0.0.1:8085", metavar="HOST:PORT", help=gettext("where to listen"))
        parser.add_argument(
            "--show-key", action="store_true", help=gettext("only print the key that logs verify signatures with")
        )
        parser.add_argument("--json", action="store_true", help=gettext("print one JSON object"))

    def handle(self, *_args: Any, **options: Any) -> None:
        self.is_json = options["json"]
        try:
            host, port = _address(options["bind"])
            logs = [_log_key(each) for each in options["log"]]
            checkpoints = CosignedCheckpoints(options["state"])
            private_key = load_or_make_key(options["state"] / "key.pem")
            public_key = private_key.public_key().public_bytes_raw()
            key = verification_key(options["name"], public_key, ED25519_COSIGNATURE)
        except (ValueError, VerificationError, OSError) as error:
            sentence = gettext("The witness can't start: %(reason)s") % {"reason": error}
            self.fail("usage", sentence, exit_code=USAGE)
        if options["show_key"]:
            self.stdout.write(json.dumps({"key": key}) if self.is_json else key)
            return
        if not logs:
            self.fail("usage", gettext("The witness knows no log. Name one with --log."), exit_code=USAGE)
        witness = Witness(name=options["name"], private_key=private_key, logs=logs, checkpoints=checkpoints)
        self._serve(witness, (host, port), key)

    def _serve(self, witness: Witness, address: tuple[str, int], key: str) -> None:
        # http.server takes 20 ms to import, and --show-key needs none.
        from security_events.witness.server import WitnessServer  # noqa: PLC0415

        try:
            server = WitnessServer(address, witness)
        except OSError as error:
            self.fail("address_in_use", gettext("Can't listen: %(reason)s") % {"reason": error})
        for number in (signal.SIGTERM, signal.SIGINT):
            # shutdown() waits for the loop, which is interrupted right now; so another thread calls it.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        host, port = server.server_address[:2]
        started = {"result": "serving", "address": f"{host!s}:{port}", "key": key}
        sentence = gettext("Witness %(key)s listens at %(address)s.") % started
        self.stdout.write(json.dumps(started) if self.is_json else sentence)
        self.stdout.flush()
        with server:
            server.serve_forever()


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal():
        raise ValueError(gettext("--bind has the form host:port."))
    return host.strip("[]"), int(port)


def _log_key(text: str) -> VerificationKey:
    key = parse_verification_key(text)
    if key.type != ED25519:
        raise ValueError(gettext("A log signs by Ed25519; this is the key of a witness."))
    return key
