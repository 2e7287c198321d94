"""DNS records: which ones a domain needs, and how a provider publishes them."""
