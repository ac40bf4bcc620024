"""World models that draw."""
