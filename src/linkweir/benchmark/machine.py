"""Where and when a figure was measured: without that it means nothing."""

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "linkweir",
    "html5-parser",
    "python-lolhtml",
    "turbohtml",
    "selectolax",
    "lxml",
    "uvicorn",
    "uvloop",
    "httptools",
)


def describe_machine() -> dict[str, str]:
    """Processor, cores, system, Python, libc, compiler, date."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libc": " ".join(platform.libc_ver()).strip() or "unknown",
        "compiler": _compiler(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def list_versions() -> dict[str, str]:
    """Version of every engine's package that is installed."""
    result = {}
    for name in PACKAGES:
        try:
            result[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return result


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _compiler() -> str:
    command = [os.environ.get("CC", "cc"), "--version"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "none"
    return answer.stdout.splitlines()[0]
