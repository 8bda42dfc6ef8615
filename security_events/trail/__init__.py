"""The shape of the sealed trail, without a database."""
