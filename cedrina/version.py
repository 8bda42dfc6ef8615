"""The version of this package. The build reads it (pyproject.toml), the API's document shows it."""

VERSION = "0.1.0"
