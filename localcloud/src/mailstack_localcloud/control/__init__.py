"""The control plane: what tests ask that AWS has no call for, and the state that outlives the process."""
