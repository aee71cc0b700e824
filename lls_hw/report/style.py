"""Colours and marks, the same on screen and on paper: safe for colour-blind eyes, and never colour alone."""

from lls_hw.models.rules.registry import rules

LIGHT = {
    "@blue": "#0067a5",
    "@red": "#c75300",
    "@green": "#00855f",
    "@purple": "#a83f7e",
    "@amber": "#b07a00",
    "@sky": "#3d8fc4",
    "@grey": "#6b7280",
    "@ink": "#1c2127",
    "@muted": "#59616b",
    "@grid": "#e3e6ea",
    "@paper": "#ffffff",
    "@low": "#eaf2f8",
    "@high": "#0067a5",
    "@fill": "rgba(0,103,165,0.15)",
    "@faint": "rgba(107,114,128,0.22)",
}
DARK = {
    "@blue": "#5aaee6",
    "@red": "#ff8f52",
    "@green": "#45cf9f",
    "@purple": "#e793c3",
    "@amber": "#eebf4d",
    "@sky": "#a5d8f5",
    "@grey": "#9aa3af",
    "@ink": "#e8eaed",
    "@muted": "#a9b1bb",
    "@grid": "#333a43",
    "@paper": "#14171c",
    "@low": "#1f2c38",
    "@high": "#5aaee6",
    "@fill": "rgba(90,174,230,0.2)",
    "@faint": "rgba(154,163,175,0.25)",
}
"""Tokens: the page and the exporter put a theme's colour in the place of each."""

SERIES = ("@blue", "@red", "@green", "@purple", "@amber", "@sky", "@grey", "@ink")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down", "cross")
MPL_SYMBOLS = dict(zip(SYMBOLS, ("o", "s", "D", "^", "X", "*", "v", "P"), strict=True))
DASHES = {"solid": "-", "dash": "--", "dot": ":"}

PARTS = {"array": "@blue", "sram": "@amber", "dram": "@red", "vector": "@green", "local": "@purple", "leakage": "@grey"}
STAGES = {
    "forward": "@blue",
    "loss": "@ink",
    "local_error": "@purple",
    "input_grad": "@amber",
    "weight_grad": "@green",
    "accumulate": "@sky",
    "update": "@red",
}
STALLS = {
    "working": "@blue",
    "dram_read": "@red",
    "dram_write": "@amber",
    "bank_conflict": "@purple",
    "dependency": "@grey",
}


def rule_colours() -> dict[str, str]:
    """The colour of every registered rule that has one of its own."""
    return {name: f"@{rule.colour}" for name, rule in rules().items() if rule.colour is not None}
