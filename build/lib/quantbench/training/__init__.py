"""Train the float network: recipes, optimizers, the loop and its checkpoints."""
