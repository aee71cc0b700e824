"""Faithfulness of the integers: training steps in integers held against the same steps in real numbers."""
