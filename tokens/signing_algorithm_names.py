"""The values of the header ``alg`` of access tokens, for modules that need no library of cryptography."""

RS256 = "RS256"
ES256 = "ES256"
EDDSA = "EdDSA"
SIGNING_ALGORITHM_NAMES = (RS256, ES256, EDDSA)
