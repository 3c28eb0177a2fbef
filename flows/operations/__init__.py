"""For those who operate it: status, doctor, audit."""
