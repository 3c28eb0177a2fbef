"""How figures get here."""
