"""Why a trail, a proof or a signed note is not accepted."""


class VerificationError(Exception):
    """Root of what this package refuses. The text says what is wrong."""


class NoteMalformed(VerificationError):
    """The text is no signed note, checkpoint, proof file or verification key of its specification."""


class SignatureInvalid(VerificationError):
    """A signature of a known key does not fit its note."""


class SignerUnknown(VerificationError):
    """No known key has signed the note."""


class ProofInvalid(VerificationError):
    """A proof does not lead to the root."""
