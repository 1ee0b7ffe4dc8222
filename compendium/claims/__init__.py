"""The ledger: what is printed, what is derived, and how the two are compared."""
