"""Scale policies, narrowing without silent overflow, latents of uneven windows, targets, and one update."""

from fractions import Fraction
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.models.program.names import LABELS, momentum_of
from lls_hw.models.program.ops.local import LocalProject
from lls_hw.models.program.ops.loss import TargetProject
from lls_hw.models.program.ops.update import Update
from lls_hw.sim.functional import update
from lls_hw.sim.functional.loss import run_target_project
from lls_hw.sim.functional.machine import Peak, Scales, fitting_frac
from lls_hw.sim.functional.readback import Value
from tests.oracles import pool, requant, scalar, sine, targets
from tests.oracles import update as oracle
from tests.unit.functional import small


@given(st.integers(1, 2**62), st.integers(-40, 60), st.integers(2, 32))
def test_fitting_frac__is_the_largest_that_fits(code, frac, bits):
    peak, found = Fraction(code) / Fraction(2) ** frac, fitting_frac(Peak(code, frac), bits)
    assert peak * Fraction(2) ** found < 2 ** (bits - 1) <= peak * Fraction(2) ** (found + 1)


def fracs(policy, peaks):
    scales, found = Scales(policy), []
    for peak in peaks:
        found.append(scales.frac("t", 8, lambda peak=peak: Peak(peak, 0)))
        scales.saw("t", Peak(peak, 0))
    return found


def test_scales__policies():
    peaks = [100, 1000, 0, 10, 127]
    assert fracs("two_pass", peaks) == [0, -3, 7, 3, 0]
    assert fracs("static", peaks) == [0, 0, 0, 0, 0]
    # last step's peak and a quarter: 100 -> 125, 1000 -> 1250; the zero is not remembered; 10 -> 12
    assert fracs("delayed", peaks) == [0, 0, -4, -4, 3]


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_narrow__a_scale_left_far_behind_saturates_and_is_counted(overflow):
    """Last step's peak was 2**-60 of this one's: the codes must not come out of an int64 overflow."""
    m = small.engine("lls", "8", overflow=overflow).machine
    name = next(n for n, t in m.program.tensors.items() if n.endswith("/delta_y"))
    op = next(op for op in m.program.ops if name in op.writes)
    m.begin(0, op)
    m.scales.saw(name, Peak(1, 60))
    acc = np.zeros(m.program.tensors[name].shape, np.int64)
    acc.reshape(-1)[:3] = [2**40, -(2**40), 0]
    m.narrow(name, acc, 20)
    how = m.narrowing(name)
    want, over = requant.narrow_all([2**40, -(2**40), 0], 20 - m.values[name].frac, 8, how.rounding, overflow, how.key)
    assert m.values[name].codes.reshape(-1)[:3].tolist() == want
    assert m.record.saturated == over == 2


def steps(rule, bits, optimizer="momentum", **constants):
    """Every op of two steps with the machine and the values before it."""
    engine = small.engine(rule, bits, optimizer=optimizer, constants=constants)
    m, before = engine.machine, {}

    for step in range(2):
        seen = []

        def observe(record, seen=seen):
            op = m.program.ops[record.index]
            seen.append((op, {n: before.get(n) for n in op.reads}, dict(m.values)))
            before.update(m.values)

        before.update(m.values)
        engine.step(*small.images(m.program.precision.activation_bits, seed=step), observe)
        yield m, seen


def basis_of(m, op):
    """Entries of the vectors (rows, latents) as whole numbers, and their fraction bits."""
    if op.projection is None:
        return m.constants[f"basis/{op.rows}x{op.latents}"].astype(object), 0
    codes = [[sine.code(c, t, op.rows, 15) for t in range(op.latents)] for c in range(op.rows)]
    return np.array(codes, object), 15


@pytest.mark.parametrize("waveform", ["square", "cosine"])
@pytest.mark.parametrize("bits", ["4", "8", "16"])
def test_local_project__latents_of_uneven_windows(bits, waveform):
    """z = sum x round(2**14 most / area), rounded once; projections and norms are exact sums of it."""
    for m, seen in steps("lls", bits, waveform=waveform):
        for op, _, after in seen:
            if not isinstance(op, LocalProject):
                continue
            h, z, p, norm = (after[n] for n in (op.source, op.latent, op.projected, op.norm))
            planes = h.codes.reshape(op.batch, -1, op.shape.out_c).transpose(0, 2, 1)
            most, even = max(op.grid.areas), len(set(op.grid.areas)) == 1
            for i in range(op.batch):
                sums = []
                if op.grid.channels is not None:
                    for a, b in op.grid.channels:
                        sums.append((sum(planes[i, a:b, 0].tolist()), b - a))
                else:
                    for plane in planes[i].reshape(op.shape.out_c, op.shape.out_h, op.shape.out_w).tolist():
                        for row in op.grid.rows:
                            for col in op.grid.cols:
                                inside = pool.members(plane, row, col)
                                sums.append((sum(inside), len(inside)))
                weighed = [s if even else s * scalar.divided(most << 14, area) for s, area in sums]
                shift = (0 if even else 14) - (z.frac - h.frac)
                assert z.codes[i].tolist() == [scalar.shifted(w, shift, "half_up") for w in weighed]
            vectors, frac = basis_of(m, op)
            assert p.frac == z.frac + frac
            assert (p.codes.astype(object) == z.codes.astype(object) @ vectors.T).all()
            assert norm.codes.tolist() == (z.codes.astype(object) ** 2).sum(axis=1).tolist()


def test_update__masters_descend_by_exactly_the_rounded_momentum():
    """Master = old - round(lr v) with the stored v and the op's own stream; the copy is cut from it."""
    checked = 0
    for m, seen in steps("lls_m", "8", "momentum"):
        m.step -= 1  # keys of the step just run
        for op, reads, after in seen:
            if not isinstance(op, Update) or op.momentum is None:
                continue
            old, new, v = reads[op.master], after[op.master], after[op.momentum]
            checked += 1
            room = old.frac - new.frac
            rate, shift = 26214, v.frac + 19 - old.frac  # 0.05 = 26214 / 2**19
            want = [
                oracle.descend(s, rate, shift, 16, "stochastic", o, scalar.draw32(m.key(op.parameter), i), room)[0]
                for i, (s, o) in enumerate(zip(v.codes.ravel().tolist(), old.codes.ravel().tolist(), strict=True))
            ]
            assert new.codes.ravel().tolist() == want
            if op.copy is not None:
                copy = after[op.copy]
                cut, _ = requant.narrow_all(want, new.frac - copy.frac, 8, "nearest_even", "saturate")
                assert copy.codes.ravel().tolist() == cut
        m.step += 1
    assert checked


def one_update(master, step, last=None):
    """One update of a small layer's weight by `step` codes of momentum each: the machine and its op."""
    m = small.engine("lls_m", "8").machine
    index, op = next((i, op) for i, op in enumerate(m.program.ops) if isinstance(op, Update) and op.copy is not None)
    shape = m.program.tensors[op.master].shape
    m.values[op.master] = Value(np.full(shape, master, np.int16), 14)
    m.values[op.momentum] = Value(np.zeros(shape, np.int16), 0)
    m.values[op.gradient] = Value(np.full(shape, -step, np.int32), 14)
    m.scales.seen[momentum_of(op.parameter)] = Peak(step, 14)
    m.learning_rate = 1.0
    if last is not None:
        m.scales.seen[op.master] = Peak(last, 14)
    m.begin(index, op)
    update.run_update(m, op)
    return m, op


def test_copy__is_cut_at_the_last_peak_and_saturates_beyond_it():
    """Masters at 8000 of 2**14 gain 400 and pass 2**13: the last peak's scale ends at 127, the next one's does not."""
    m, op = one_update(8000, 400, last=8000)
    assert m.values[op.master].codes.ravel().tolist() == [8400] * m.values[op.master].codes.size
    copy = m.values[op.copy]
    assert (copy.frac, set(copy.codes.ravel().tolist()), m.record.saturated) == (8, {127}, copy.codes.size)
    m.begin(0, op)
    m.values[op.gradient] = Value(np.zeros_like(m.values[op.gradient].codes), 14)
    m.values[op.momentum] = Value(np.zeros_like(m.values[op.momentum].codes), 14)
    update.run_update(m, op)
    copy = m.values[op.copy]
    assert (copy.frac, set(copy.codes.ravel().tolist()), m.record.saturated) == (7, {66}, 0)  # 8400 / 2**7 = 65.6


def test_copy__without_a_last_peak_is_measured():
    m, op = one_update(8000, 400)
    assert (m.values[op.copy].frac, m.record.saturated) == (7, 0)
    assert m.record.read_codes[op.master] == 2 * m.values[op.master].codes.size


def test_master__gets_room_in_the_step_after_it_was_crowded():
    """25000 passes three quarters of 2**15: the next step halves it, with the step's 401 in the same rounding."""
    m, op = one_update(25000, 401, last=25000)
    master = m.values[op.master]
    assert master.frac == 13
    assert set(master.codes.ravel().tolist()) <= {12700, 12701}  # (25000 + 401) / 2
    assert len(set(master.codes.ravel().tolist())) == 2


@pytest.mark.parametrize("bits", ["w8,a8,e8,m16,acc32", "w12,a8,e5,m16,acc32", "w2,a8,e8,m16,acc32"])
def test_target_project__is_minus_the_row_of_the_label(bits):
    """At equal, fewer and more bits than the feedback has: its peak decides how many of them are dropped."""
    checked = 0
    for m, seen in steps("drtp", bits):
        m.step -= 1  # keys of the step just run
        for op, reads, after in seen:
            if not isinstance(op, TargetProject):
                continue
            feedback, error = reads[op.feedback], after[op.error]
            rows = feedback.codes.reshape(len(feedback.codes), -1).tolist()
            labels = after[op.labels].codes.tolist()
            width, key = m.program.precision.error_bits, m.key(op.error)
            want, _ = targets.project(rows, labels, feedback.frac - error.frac, width, "stochastic", key)
            assert error.codes.ravel().tolist() == want
            peak = max(map(abs, chain.from_iterable(rows)))
            assert feedback.frac - error.frac == max(0, peak.bit_length() - (width - 1))
            checked += any(want)
        m.step += 1
    assert checked == 8, "four blocks, two steps"


def test_target_project__turns_the_most_negative_code_exactly():
    m = small.engine("drtp", "w8,a8,e8,m16,acc32").machine
    op = next(op for op in m.program.ops if isinstance(op, TargetProject))
    feedback = m.values[op.feedback].codes
    feedback[...] = -128
    m.values[LABELS] = Value(np.zeros(op.batch, np.int16), 0)
    m.begin(0, op)
    run_target_project(m, op)
    shift = m.values[op.feedback].frac - m.values[op.error].frac
    assert set((m.values[op.error].codes.astype(np.int64) << shift).ravel().tolist()) == {128}
