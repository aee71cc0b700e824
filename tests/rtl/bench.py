"""Builds a design of `rtl/` with Icarus and runs a cocotb module on it; the reasons for which that is skipped."""

import importlib.util
import os
import shutil
from pathlib import Path

RTL = Path(__file__).resolve().parents[2] / "rtl"


def missing():
    """Why the RTL cannot be simulated here, or an empty string."""
    if shutil.which("iverilog") is None:
        return "Icarus Verilog is not installed (Debian: apt-get install iverilog)"
    if importlib.util.find_spec("cocotb_tools") is None:
        return "cocotb is not installed (pip install cocotb)"
    return ""


def simulate(folder, top, module, parameters, extra_env):
    """Compile `top` with its parameters in `folder`, run `module` on it; raises if the simulation fails."""
    from cocotb_tools.runner import get_runner

    os.environ.setdefault("COCOTB_LOG_LEVEL", "WARNING")
    runner = get_runner("icarus")
    runner.build(
        sources=sorted(RTL.glob("*.v")),
        hdl_toplevel=top,
        parameters=parameters,
        build_dir=folder,
        timescale=("1ns", "1ns"),
        log_file=folder / "build.log",
    )
    results = runner.test(
        hdl_toplevel=top,
        test_module=f"tests.rtl.{module}",
        build_dir=folder,
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        extra_env=extra_env,
        log_file=folder / "run.log",
    )
    text = Path(results).read_text()
    assert "<failure" not in text and "<error" not in text, (folder / "run.log").read_text()[-4000:]  # noqa: PT018
