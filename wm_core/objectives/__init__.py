"""Losses by idea, one function each. Every mean is over all elements, as the official codes of the field compute it."""
