"""The payment provider's webhook, with the events and the signatures that Stripe documents."""
