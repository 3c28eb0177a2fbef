"""Which model speaks for a market: the registry that holds it, the ledger that says so."""
