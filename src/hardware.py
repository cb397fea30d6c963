"""The processor: what decides which precision pays, and whether an engine that was built fits."""

import os
import platform
from pathlib import Path

# Instruction sets that change the code a CPU backend generates, or the precision worth choosing.
TELLING_FLAGS = (
    "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_bf16", "amx_int8",
    "asimd", "asimddp", "bf16", "i8mm", "sve",
)  # fmt: skip
# An entry of ONNX Runtime's session configuration. On x86 without VNNI its fast kernels add products of 8 bits in 16,
# which overflow: a quarter of an int8 net's labels changed. With this it takes slower ones that do not.
EXACT_INT8 = ("session.x64quantprecision", "1")
BF16_FLAGS = ("amx_bf16", "avx512_bf16", "bf16")  # x86 with and without tiles; 64-bit Arm
VNNI_FLAGS = ("avx512_vnni", "avx_vnni", "amx_int8")  # sums of four products of 8 bits in 32


def processor() -> dict:
    """{model, flags, cores} of this machine; flags are empty where the system does not list them (not Linux)."""
    facts = _cpuinfo()
    listed = set((facts.get("flags") or facts.get("Features") or "").split())
    return {
        "model": facts.get("model name") or platform.processor() or platform.machine(),
        "flags": [flag for flag in TELLING_FLAGS if flag in listed],
        "cores": cores(),
    }


def cores() -> int:
    """Cores this process may use, which taskset and containers make fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bf16_flag() -> str | None:
    """The instruction set that multiplies bfloat16 here, or None; emulated, it is slower than fp32."""
    flags = processor()["flags"]
    return next((flag for flag in BF16_FLAGS if flag in flags), None)


def overflows_int8() -> bool:
    """Whether this processor is an x86 that adds products of 8 bits in 16."""
    flags = processor()["flags"]
    return "avx2" in flags and not set(VNNI_FLAGS) & set(flags)


def _cpuinfo() -> dict[str, str]:
    source = Path("/proc/cpuinfo")
    if not source.is_file():
        return {}
    first_core = source.read_text().split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in first_core.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
