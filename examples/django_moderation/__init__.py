"""Candidates register, and administrators approve or reject them: an application of Django with mailstack."""
