"""The engine of detection: events become facts, rules are asked, and findings become incidents and responses."""
