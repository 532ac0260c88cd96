"""How good predictions are: discrimination, calibration, overall error, net benefit."""
