"""How fast the array is: registers in Numba against the same RTL under plain vvp, and the closed form.

    python scripts/bench/array_speed.py            # needs iverilog and vvp for the RTL part

No cocotb and no waveform: a plain Verilog test bench reads the operands with $readmemh, runs one product and prints
its cycles. Both sides are charged rows * cols element updates per cycle; compile times stay outside.
"""

import subprocess
import tempfile
import time
from pathlib import Path
from string import Template

import numpy as np

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.sim.array.closed_form import array_cycles
from lls_hw.sim.array.registers import run_array

RTL = Path(__file__).resolve().parents[2] / "rtl"
SIDE, M, K, N = 16, 64, 96, 64
# conv1 and the pointwise layers of vww_cnn: (m, k, n)
VWW = [(4096, 27, 32), (4096, 32, 64), (1024, 64, 128), (1024, 128, 128), (256, 128, 256), (256, 256, 256),
       (64, 256, 512), (64, 512, 512), (1, 512, 2)]  # fmt: skip
SCALESIM_SECONDS = 20.0  # CPU time of SCALE-Sim 3.0.0 on these layers, as issue 7 states it

BENCH = Template("""
module bench;
    reg clk = 0, start = 1;
    wire done;
    wire [31:0] cycles, overflows;
    $top #(.ROWS($side), .COLS($side), .BITS(8), .ACC(32), .DEPTH($depth)) dut (
        .clk(clk), .start(start), .m(16'd$m), .k(16'd$k), .n(16'd$n),
        .done(done), .cycles(cycles), .overflows(overflows));
    always #1 clk = ~clk;
    initial begin
        $$readmemh("a.hex", dut.a_mem);
        $$readmemh("b.hex", dut.b_mem);
        @(negedge clk) @(negedge clk) start = 0;
        wait (done);
        $$display("%0d", cycles);
        $$finish;
    end
endmodule
""")


def vvp_rate(a: np.ndarray, b: np.ndarray, dataflow: str) -> tuple[int, float]:
    """(cycles, PE updates per second) of the RTL."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, codes in (("a.hex", a), ("b.hex", b)):
            (folder / file).write_text("\n".join(f"{int(code) & 0xFF:02x}" for code in codes.reshape(-1)))
        top = "gemm_os" if dataflow == "os" else "gemm_ws"
        text = BENCH.substitute(top=top, side=SIDE, depth=max(a.size, b.size, M * N), m=M, k=K, n=N)
        (folder / "bench.v").write_text(text)
        sources = [str(folder / "bench.v"), *map(str, sorted(RTL.glob("*.v")))]
        subprocess.run(["iverilog", "-g2001", "-s", "bench", "-o", "bench.vvp", *sources], cwd=folder, check=True)
        begin = time.perf_counter()
        run = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True)
        cycles = int(run.stdout.split()[-1])
        return cycles, cycles * SIDE * SIDE / (time.perf_counter() - begin)


def numba_rate(a: np.ndarray, b: np.ndarray, form: ArraySpec, repeats: int = 40) -> tuple[int, float]:
    """(cycles, PE updates per second) of the compiled array, compiled beforehand."""
    run = run_array(a, b, form)
    begin = time.perf_counter()
    for _ in range(repeats):
        run = run_array(a, b, form)
    return run.cycles, repeats * run.counters.pe_updates / (time.perf_counter() - begin)


def closed_form_seconds(repeats: int = 200) -> float:
    """Seconds for the cycles of all vww_cnn layers at 16x16, ws."""
    begin = time.perf_counter()
    for _ in range(repeats):
        for m, k, n in VWW:
            array_cycles(m, k, n, ArraySpec(rows=16, cols=16))
    return (time.perf_counter() - begin) / repeats


def main() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (M, K)), rng.integers(-128, 128, (K, N))
    for dataflow in ("ws", "os"):
        cycles, rate = numba_rate(a, b, ArraySpec(rows=SIDE, cols=SIDE, dataflow=dataflow))
        rtl_cycles, rtl_rate = vvp_rate(a, b, dataflow)
        print(f"{dataflow}: {cycles} cycles, RTL {rtl_cycles}; numba {rate / 1e6:.1f} M PE-updates/s, "
              f"vvp {rtl_rate / 1e6:.3f} M; {rate / rtl_rate:.0f} times")  # fmt: skip
    seconds = closed_form_seconds()
    print(f"closed form, vww_cnn at 16x16 ws: {seconds * 1e6:.1f} us; {SCALESIM_SECONDS / seconds:.0f} times SCALE-Sim")


if __name__ == "__main__":
    main()
