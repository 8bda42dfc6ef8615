"""What rules would have found with other settings: the same facts, asked under two settings of each rule.

Nothing here reads the database. ``security_events.services.detection.backtest`` gives it the stored events.
"""
