"""Simulators with known truth: vectorised, seeded, and with nothing to download."""
