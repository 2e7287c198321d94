"""Rules of the policy pack in infra/policy/."""
