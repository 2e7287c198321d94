"""Sending: identity, configuration sets, IP pools, tenants, the multi-region endpoint."""
