"""Faults on command: which requests fail, and how. What SES itself refuses stands in `localcloud.ses`."""
