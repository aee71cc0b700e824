"""Names of tensors: the one place that makes and reads them.

A name is `owner/short`: the owner a layer, or `input`; short as in the reference (`weight`, `gamma`, `h`).
"""

IMAGES, LABELS = "input/x", "input/labels"
TENSOR_KINDS = ("weight gradient", "other parameter's gradient", "error", "activation")


def tensor_name(owner: str, short: str) -> str:
    """The name of a layer's tensor."""
    return f"{owner}/{short}"


def split_name(name: str) -> tuple[str, str]:
    """Owner and short name of a tensor.

    Examples
    --------
    >>> split_name("conv1/weight")
    ('conv1', 'weight')
    """
    owner, _, short = name.rpartition("/")
    return owner, short


def gradient_of(parameter: str) -> str:
    """The gradient of a parameter."""
    return f"{parameter}_grad"


def new_gradient_of(parameter: str) -> str:
    """The gradient of one micro-step, before it joins the sum of the earlier ones."""
    return f"{gradient_of(parameter)}@new"


def mean_gradient_of(parameter: str) -> str:
    """The mean of all micro-steps' gradients, which the update takes."""
    return f"{gradient_of(parameter)}@mean"


def momentum_of(parameter: str) -> str:
    """The momentum of a parameter."""
    return f"{parameter}@momentum"


def second_moment_of(parameter: str) -> str:
    """The decayed sum of a parameter's squared gradients."""
    return f"{parameter}@second"


def master_of(weight: str) -> str:
    """The wide master of a weight whose compute copy the array reads."""
    return f"{weight}@master"


def is_weight_gradient(name: str) -> bool:
    """Whether a tensor is the gradient of a layer's weights."""
    return split_name(name)[1] == gradient_of("weight")


def basis_of(latents: int) -> str:
    """The table of basis vectors with so many entries each; layers with latents of one length share it."""
    return f"input/basis_{latents}"


def head_of(layer: str) -> str:
    """The layer name of a block's own classifier."""
    return f"{layer}.local"


def tensor_kind(name: str) -> str:
    """The kind of a step's tensor, for people: one of `TENSOR_KINDS`.

    Examples
    --------
    >>> [tensor_kind(name) for name in ("conv1/weight_grad", "conv1/gamma_grad", "conv1/delta_y", "conv1/y")]
    ['weight gradient', "other parameter's gradient", 'error', 'activation']
    """
    end = split_name(name)[1]
    if is_weight_gradient(name):
        return TENSOR_KINDS[0]
    if end.startswith("delta") or end in ("error", "latent_grad"):
        return TENSOR_KINDS[2]
    return TENSOR_KINDS[1] if end.endswith("_grad") else TENSOR_KINDS[3]
