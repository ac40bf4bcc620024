"""Simulators with known truth: vectorised, seeded, and with nothing to download. And readers for a little real data."""
