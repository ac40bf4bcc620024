"""Measures: what a latent holds, how far imagination drifts, what energy does, and how sure we are."""
