"""The operator's console: one page of the admin that shows how things are now, and where operators act on it."""
