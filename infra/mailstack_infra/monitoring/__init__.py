"""Monitoring: alarms, metrics, the dashboard, and who is paged."""
