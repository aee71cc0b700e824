"""Every rule by name: the shipped ones, those that installed packages register, and a user's `module:attr`."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points

from lls_hw.models.rules import backprop, feedback, lls, local_losses
from lls_hw.models.rules.rule import Rule
from lls_hw.models.spec.choices import chosen
from lls_hw.models.spec.errors import SpecError, in_one_line
from lls_hw.models.spec.imported import import_attribute, is_imported
from lls_hw.models.spec.rule import RuleSpec

SHIPPED = (backprop.INFERENCE, backprop.BP, *lls.FAMILY, local_losses.LOCAL_LOSSES, feedback.DFA, feedback.DRTP)
GROUP = "lls_hw.rules"
"""Entry points under which an installed package registers a `Rule`, by the rule's own name."""


@cache
def rules() -> dict[str, Rule]:
    """Every registered rule, the shipped ones first.

    Raises
    ------
    SpecError : an entry point does not give a `Rule` of its own name, or that name is taken.
    """
    known = {rule.name: rule for rule in SHIPPED}
    for point in entry_points(group=GROUP):
        where = f"entry point {GROUP}, {point.name}"
        rule = import_attribute(where, point.value, Rule)
        if rule.name != point.name:
            raise SpecError(where, rule.name, "the rule has another name than its entry point", "Make both one.")
        if point.name in known:
            raise SpecError(where, point.value, f"there is a rule '{point.name}' already", "Rename or uninstall it.")
        known[point.name] = rule
    return known


def find_rule(name: str, where: str = "--rule") -> Rule:
    """A rule by its registered name, or by `module:attr`.

    Raises
    ------
    SpecError : no such rule.

    Examples
    --------
    >>> find_rule("lls_mxm").latent.modulation
    'matrix'
    """
    shipped = next((rule for rule in SHIPPED if rule.name == name), None)
    if shipped is not None:
        return shipped
    if is_imported(name):
        return import_attribute(where, name, Rule)
    fix = "Choose one of them, or write module:attr of a lls_hw.Rule."
    return rules()[chosen(where, name, rules(), "the rules are", fix)]


def rule_name(name: str, where: str = "--rule") -> str:
    """The name under which a rule runs: the registered one, however it was typed, or `module:attr` as it stands.

    Raises
    ------
    SpecError : no such rule.

    Examples
    --------
    >>> rule_name("LLS-M")
    'lls_m'
    """
    found = find_rule(name, where)
    return name if is_imported(name) else found.name


@contextmanager
def author_of(name: str, part: str) -> Iterator[None]:
    """A failure inside is the fault of the rule's author; a shipped rule that fails is a bug of ours and looks it.

    Raises
    ------
    SpecError : that `part` of a user's rule raised, whatever it raised.
    """
    try:
        yield
    except SpecError:
        raise
    except Exception as error:
        if find_rule(name) in SHIPPED:
            raise
        need = f"its {part} fails, {in_one_line(error)}"
        raise SpecError("rule", name, need, "Mend it, see docs/rules.md.") from error


def parse_rule(name: str, **constants: object) -> RuleSpec:
    """A rule by name, with its constants.

    Raises
    ------
    SpecError : unknown rule, or a constant outside its range.

    Examples
    --------
    >>> parse_rule("lls", temperature=1).temperature
    1.0
    """
    return RuleSpec.from_mapping({"name": rule_name(name), **constants}, "rule")
