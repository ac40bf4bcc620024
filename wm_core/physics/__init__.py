"""Systems that keep what nature keeps, and the integrators that let them."""
