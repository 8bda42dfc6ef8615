"""Print the locked requirements that are installed in the image: `python requirements.py prod.txt`.

The build installs them, and the list of components is made of them, so that it is true.
"""

import re
import sys
from pathlib import Path

# Locked, because a library asks for them, and never imported. They are not installed, and not among the components.
UNUSED = {
    "dnspython": "email-validator asks for hosts of mail with it, which accounts/identifiers/names.py turns off",
    "oauthlib": "allauth needs it for OAuth 1 and as an OpenID provider",
    "jsonschema": "drf-spectacular validates documents with it, which are validated before a release",
    "jsonschema-specifications": "of jsonschema",
    "referencing": "of jsonschema",
    "rpds-py": "of jsonschema",
    "tzdata": "the base image has the time zones",
}
# A requirement, and the lines of its hashes.
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(?:.*\\\n)*.*\n", re.MULTILINE)


def installed(locked: str) -> str:
    """Return locked requirements without those that no server imports. Raises: SystemExit if one is not locked."""
    names = {found[1] for found in LOCKED.finditer(locked)}
    if missing := UNUSED.keys() - names:
        raise SystemExit(f"Not locked any more, so take it out of this file: {', '.join(sorted(missing))}.")
    return LOCKED.sub(lambda found: "" if found[1] in UNUSED else found[0], locked)


if __name__ == "__main__":
    sys.stdout.write(installed(Path(sys.argv[1]).read_text()))
