"""Joint-embedding predictive architectures: predicting in latent space."""
