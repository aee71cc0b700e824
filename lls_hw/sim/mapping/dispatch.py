"""Every op's planner, by kind."""

from collections.abc import Callable
from typing import Any

from lls_hw.models.program.ops import (
    AnyOp,
    BatchNorm,
    BatchNormBackward,
    DepthwiseConv,
    Gemm,
    LocalBackproject,
    LocalError,
    LocalProject,
    Loss,
    Pool,
    PoolBackward,
    TargetProject,
    Update,
)
from lls_hw.sim.mapping import recipes, recipes_local
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest_ops import nest_least_bytes, plan_nest
from lls_hw.sim.mapping.stream_ops import Grouped, plan_stream
from lls_hw.sim.mapping.tile import Plan

RECIPES: dict[type[AnyOp], Callable[[Context, Any], Grouped]] = {
    BatchNorm: recipes.batch_norm,
    BatchNormBackward: recipes.batch_norm_backward,
    Update: recipes.update,
    LocalProject: recipes_local.project,
    LocalError: recipes_local.local_error,
    LocalBackproject: recipes_local.backproject,
    Loss: recipes_local.loss,
    TargetProject: recipes.target_project,
}


def plan_op(ctx: Context, op: AnyOp) -> Plan:
    """How an op runs in `ctx.budget_bytes` of scratchpad beside the resident tensors."""
    if isinstance(op, Gemm | DepthwiseConv | Pool | PoolBackward):
        return plan_nest(ctx, op)
    return plan_stream(ctx, op, recipe_of(ctx, op))


def least_working_bytes(ctx: Context, op: AnyOp) -> int:
    """Scratchpad bytes of the op's smallest tiles."""
    if isinstance(op, Gemm | DepthwiseConv | Pool | PoolBackward):
        return nest_least_bytes(ctx, op)
    return recipe_of(ctx, op).least_bytes(ctx)


def recipe_of(ctx: Context, op: AnyOp) -> Grouped:
    """The streaming recipe of an op."""
    recipe = RECIPES.get(type(op))
    if recipe is None:
        raise AssertionError(f"no planner for {op.kind}: an op that only one engine knows is a bug")
    return recipe(ctx, op)
