"""The first version of SES's API, for clients that still call it: another protocol over the same state as `ses`."""
