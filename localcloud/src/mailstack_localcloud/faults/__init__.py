"""Faults on command: which requests fail, and how. What SES itself refuses stands in `mailstack_localcloud.ses`."""
