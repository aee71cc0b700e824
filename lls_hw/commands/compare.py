"""`lls-hw compare`: one network and chip under several rules, costs alone."""

from dataclasses import replace
from typing import Annotated

from lls_hw.commands.shared import console_for, progress_on, put_json
from lls_hw.commands.signature import Shown, with_options
from lls_hw.commands.whole_tables import put_tables
from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.options.run import RunChoices
from lls_hw.sweep.choices import split_numbers

DEFAULT_RULES = "inference,bp,lls,lls_m,lls_mxm"
COSTS_ALONE = {
    "rule": "", "baseline": "none", "numerics": False, "costs": True, "steps": 1, "seed": 0,
    "temperature": 0.5, "waveform": "square", "learning_rate": 0.05,
}  # fmt: skip
"""Fields that do not change a comparison; every run gets a rule of its own."""


@with_options
def compare(
    choices: Annotated[RunChoices, Shown(fixed=COSTS_ALONE)],
    results: ResultChoices,
    *,
    rules: Annotated[
        str, Option("Rules; ratios are against bp, or the first.", metavar="A,B,...", after="net")
    ] = DEFAULT_RULES,
    batches: Annotated[
        str | None, Option(f"A table for each batch size ({q.BATCH.range}).", metavar="1,8,32", after="batch")
    ] = None,
    roofline: Annotated[
        str | None, Option("MACs a cycle against MACs a byte.", metavar="FILE.svg", after="momentum")
    ] = None,
) -> None:
    """Costs of one training step under several rules, with ratios to backpropagation."""
    from lls_hw.config import files_read, resolve_run
    from lls_hw.files import Outputs, write_whole
    from lls_hw.models.rules.registry import rule_name

    outputs = Outputs({"--json": results.json, "--roofline": roofline})
    names = [rule_name(name.strip(), "--rules") for name in rules.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise SpecError("--rules", rules, "it takes different names with commas between", f"Write {DEFAULT_RULES}.")
    sizes = (choices.batch,) if batches is None else split_numbers("--batches", batches, q.BATCH)
    facts: list[str] = []
    typed = [[replace(choices, rule=name, batch=size) for name in names] for size in sizes]
    resolved = [[resolve_run(one, facts.append) for one in of_one] for of_one in typed]
    for run, images in resolved[0]:
        outputs.spare(files_read(choices, run, images))
    runs = [[run for run, _ in of_one] for of_one in resolved]
    from lls_hw.costs.compare import batches_json, compare_runs, compare_table, memory_table

    with progress_on(results.quiet) as say:
        comparisons = [compare_runs(of_one, say) for of_one in runs]
    if not results.quiet:
        console = console_for(to_stderr=outputs.use_stdout)
        console.print(facts[0], soft_wrap=True)
        for comparison in comparisons:
            put_tables(console, compare_table(comparison), memory_table(comparison))
    if roofline is not None:
        from lls_hw.report.export import drawn
        from lls_hw.report.roofline import rules_roofline

        write_whole(roofline, drawn(rules_roofline(comparisons[0]), "svg"), "--roofline")
    put_json(results.json, lambda: batches_json(comparisons))
