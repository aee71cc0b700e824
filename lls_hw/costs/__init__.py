"""What a training step costs: its events, their price, and how both are told."""
