"""Internal: suppressions from and to files: CSV of our own, and the exports of other providers."""
