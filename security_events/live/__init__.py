"""The trail as it grows, for any number of listeners of one process."""
