"""The inbox page: every mail that the local cloud took, as its reader and as its sender would want to see it."""
