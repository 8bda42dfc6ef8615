"""Let events expire, and say in the trail what was deleted."""
