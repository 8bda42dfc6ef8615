"""Run ``python -m security_events.verifier``."""

import sys

from security_events.verifier.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
