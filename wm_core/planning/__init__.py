"""Planners: from a world model and a cost to actions. They know a model by its ``rollout`` and by nothing else."""
