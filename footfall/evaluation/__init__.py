"""How good forecasts are, and which model is better."""
