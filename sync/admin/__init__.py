"""What people ask for: explain, plan, simulate, status, verify, resync, alerts."""
