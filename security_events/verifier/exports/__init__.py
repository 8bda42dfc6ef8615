"""Files that others verify: exports of events, their trees, and checkpoints."""
