"""The runs behind tables 1 to 3 of the LLS paper (arXiv 2405.15868), one row each, as data.

Source of the settings: the list of runs that the authors publish (github.com/mapolinario94/LLS-DNN,
script.sh): learning rate 5e-3, batch 128, schedule-free AdamW, 100 or 300 epochs. The temperature is not
stated there; ours is the specification's default, 0.5.
"""

from dataclasses import dataclass

from lls_hw.models.rules.registry import find_rule

LEARNING_RATE, BATCH, OPTIMIZER, TEMPERATURE = 5e-3, 128, "schedulefree_adamw", 0.5

DATASETS: dict[str, tuple[tuple[int, int, int], int]] = {
    "mnist": ((1, 28, 28), 10),
    "fashion-mnist": ((1, 28, 28), 10),
    "cifar10": ((3, 32, 32), 10),
    "cifar100": ((3, 32, 32), 100),
    "imagenette": ((3, 128, 128), 10),
    "tinyimagenet": ((3, 64, 64), 200),
    "vww": ((3, 128, 128), 2),
}
"""Input (channels, height, width) and classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One published run. `augmented` says whether it used the dataset's augmentations."""

    table: int
    dataset: str
    network: str
    rule: str
    waveform: str = "square"
    epochs: int = 100
    augmented: bool = True

    @property
    def name(self) -> str:
        """What the command line calls it, such as ``t1-mnist-vgg8-lls-cosine``."""
        wave = f"-{self.waveform}" if self.table == 1 and "waveform" in find_rule(self.rule).constants else ""
        return f"t{self.table}-{self.dataset}-{self.network}-{self.rule}{wave}"


def rows() -> tuple[Row, ...]:
    """Every row in the order of the tables."""
    return (*_table_1(), *_table_2(), *_table_3())


def _table_1() -> list[Row]:
    """Cosine, square and random vectors."""
    found = []
    for dataset in ("mnist", "fashion-mnist", "cifar10", "imagenette"):
        pictures = dataset in {"cifar10", "imagenette"}
        for network in ("smallconv", "vgg8"):
            long = pictures and network == "vgg8"
            for rule, waveform in (("lls", "cosine"), ("lls", "square"), ("lls_random", "square")):
                found.append(
                    Row(
                        table=1,
                        dataset=dataset,
                        network=network,
                        rule=rule,
                        waveform=waveform,
                        epochs=300 if long else 100,
                        augmented=long or not pictures,
                    )
                )
    return found


def _table_2() -> list[Row]:
    """LLS beside backpropagation and direct feedback alignment."""
    return [
        Row(table=2, dataset=dataset, network="smallconv_l", rule=rule, augmented=dataset == "mnist")
        for dataset in ("mnist", "cifar10", "cifar100")
        for rule in ("lls", "bp", "dfa")
    ]


def _table_3() -> list[Row]:
    """The variants beside backpropagation and local classifiers."""
    return [
        Row(table=3, dataset=dataset, network="vgg8", rule=rule, epochs=300)
        for dataset in ("cifar10", "cifar100", "imagenette", "tinyimagenet", "vww")
        for rule in ("bp", "local_losses", "lls", "lls_m", "lls_mxm")
    ]
