"""Google's Community Mobility Reports."""
