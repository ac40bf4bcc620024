"""What builds, checks and publishes the book. Nothing here is needed to read it or to use wm_core."""
