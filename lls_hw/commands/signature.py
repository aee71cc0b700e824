"""From records of options to what typer reads: the fields of a command's records become its options."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import Quantity
from lls_hw.options.option import Option


class RefusedNumber(Exception):  # noqa: N818  (not shown: the command line shows what it carries)
    """Carries a `SpecError` past typer, which would reword a `ValueError`."""

    def __init__(self, error: SpecError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class _Reader:
    """The function that typer calls with the text (or the default) of a numeric option."""

    quantity: Quantity
    option: str

    def __call__(self, text: object) -> int | float:
        try:
            return self.quantity.read(self.option, str(text))
        except SpecError as error:
            raise RefusedNumber(error) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The form in which a command shows a record: `Annotated[RunChoices, Shown(fixed={"steps": 1})]`.

    Attributes
    ----------
    fixed : fields that are no options of this command, with their values.
    defaults : where this command's defaults are not the record's.
    prefix : stands before every help text.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class _Listed:
    """An option of a command, and the field it fills."""

    target: str
    parameter: Parameter
    option: Option

    def value(self, given: Mapping[str, Any]) -> Any:  # noqa: ANN401  (of whatever type the field is)
        """The field's value."""
        found = given[self.parameter.name]
        return not found if self.option.negated else found


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with its records' fields as options; what typer reads they are filled from at the call.

    A parameter that is annotated with an `Option` itself is one option; one that typer describes stays as it is.
    """
    hints = get_type_hints(command, include_extras=True)
    listed: list[_Listed] = []
    records: dict[str, tuple[type, Mapping[str, Any], list[_Listed]]] = {}
    for parameter in signature(command).parameters.values():
        kind, notes = _split(hints[parameter.name])
        if isinstance(kind, type) and is_dataclass(kind):
            shown = next((note for note in notes if isinstance(note, Shown)), Shown())
            of_record = _options_of(kind, shown)
            records[parameter.name] = kind, shown.fixed, of_record
            listed += of_record
        else:
            listed.append(_listed(parameter.name, hints[parameter.name], parameter.default, ""))

    def run(**given: Any) -> None:  # noqa: ANN401  (options of whatever type)
        filled = {name: kind(**fixed, **{o.target: o.value(given) for o in of}) for name, (kind, fixed, of) in packed}
        command(**{o.target: o.value(given) for o in own}, **filled)

    packed = list(records.items())
    taken = {id(one) for _, _, of_record in records.values() for one in of_record}
    own = [one for one in listed if id(one) not in taken]
    run.__doc__, run.__name__, run.__module__ = command.__doc__, command.__name__, command.__module__
    parameters = [one.parameter for one in _ordered(listed)]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # what `inspect.signature` looks for
    return run


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:  # noqa: ANN401  (any annotation)
    """A type and its notes."""
    if get_origin(hint) is not Annotated:
        return hint, ()
    kind, *notes = get_args(hint)
    return kind, tuple(notes)


def _options_of(record: type, shown: Shown) -> list[_Listed]:
    hints = get_type_hints(record, include_extras=True)
    found = []
    for one in fields(record):
        if one.name not in shown.fixed and any(isinstance(note, Option) for note in _split(hints[one.name])[1]):
            own = Parameter.empty if one.default is MISSING else one.default
            found.append(_listed(one.name, hints[one.name], shown.defaults.get(one.name, own), shown.prefix))
    return found


def _listed(name: str, hint: Any, default: Any, prefix: str) -> _Listed:  # noqa: ANN401  (any option's)
    kind, notes = _split(hint)
    option = next((note for note in notes if isinstance(note, Option)), None)
    if option is None:
        return _Listed(name, Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint), Option(""))
    given = f"no_{name}" if option.negated else name
    annotation = Annotated[kind, _typer_option(given, option, prefix)]  # type: ignore[valid-type]
    start = False if option.negated else default
    return _Listed(name, Parameter(given, Parameter.KEYWORD_ONLY, default=start, annotation=annotation), option)


def _typer_option(name: str, option: Option, prefix: str) -> Any:  # noqa: ANN401  (as typer's)
    """Typer's description; a switch has no opposite, a number is read by its quantity."""
    dashed = f"--{name.rstrip('_').replace('_', '-')}"
    flags = option.flags or (dashed,)
    text = prefix + (option.help[0].lower() + option.help[1:] if prefix else option.help)
    if option.quantity is None:
        return typer.Option(*flags, metavar=option.metavar, help=text)
    help_text = f"{text.rstrip('.')} ({option.quantity.range})."
    reader = _Reader(option.quantity, flags[0])
    return typer.Option(*flags, parser=reader, metavar=option.metavar or "N", help=help_text)


def _ordered(listed: list[_Listed]) -> list[_Listed]:
    """Options as declared, but for those that are to stand behind another one."""
    ordered = [one for one in listed if one.option.after is None]
    for one in listed:
        if one.option.after is not None:
            place = next(at for at, other in enumerate(ordered) if other.target == one.option.after)
            ordered.insert(place + 1, one)
    return ordered
