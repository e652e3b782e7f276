"""`masq demo`: a whole mesh on one machine, real traffic through it, and both sides' books."""
