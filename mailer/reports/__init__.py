"""Internal: reports of what was sent, what bounced, who complained, who is suppressed."""
