"""What puts load on a hub on purpose, shared by `hubctl bench` and `hubctl drill`."""
