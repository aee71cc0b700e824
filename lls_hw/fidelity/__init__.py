"""How faithful the integers are: training steps in integers held against the same steps in real numbers."""
