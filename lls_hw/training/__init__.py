"""Training in integers over epochs: its plan, the trainer, its checkpoints, and the float reference beside it."""
