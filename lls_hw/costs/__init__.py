"""Costs of a training step: its events, their price, and the tables and data that tell both."""
