"""The control plane: operations for tests that AWS has no API for, and state that outlives the process."""
