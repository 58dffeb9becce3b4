"""Environments of the real backends and senders, each of its own under `.conformance/`: made at first use.

`python tests/conformance/environments.py` makes those that are missing, from the package registry that pip knows, and
says of each that it is ready, or why it is not there. It always ends well: what cannot be installed is skipped by the
tests, with the same reason.
"""

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / ".conformance"
# An installation is some hundred megabytes; after this long it has failed.
PATIENCE_S: Final = 900.0
REQUIREMENTS: Final = {
    "phoenix": ("arize-phoenix>=20,<21",),
    "mlflow": ("mlflow>=3.17,<4",),
    "langfuse": ("langfuse>=5,<6",),
    "otel": ("opentelemetry-sdk>=1.45", "opentelemetry-exporter-otlp-proto-http>=1.45"),
    # Libraries that others instrument run in one process with us, and joined with OpenTelemetry's SDK.
    **{
        name: (*libraries, "opentelemetry-sdk", "orjson", "httpx", "platformdirs")
        for name, libraries in {
            "llama_index": (
                "llama-index-core>=0.14",
                "llama-index-llms-openai",
                "openinference-instrumentation-llama-index>=4",
            ),
            "litellm": ("litellm>=1.70", "openinference-instrumentation-litellm"),
            "pydantic_ai": ("pydantic-ai-slim[openai]>=1",),
            "openai_agents": ("openai-agents", "openinference-instrumentation-openai-agents"),
        }.items()
    },
}


def interpreter(name: str) -> Path:
    """The Python of an environment, made or not."""
    return HOME / name / "bin" / "python"


def missing(name: str) -> str | None:
    """Why the environment cannot be used; None where it can."""
    if (HOME / name / ".made").exists():
        return None
    why = HOME / f"{name}.failed"
    if why.exists():
        return f"{name} could not be installed: {why.read_text(encoding='utf-8')}"
    return f"{name} is not installed: `make conformance` does it"


def make(name: str) -> str | None:
    """Makes an environment that is not there; why that failed, or None."""
    if missing(name) is None:
        return None
    why = HOME / f"{name}.failed"
    why.unlink(missing_ok=True)
    HOME.mkdir(exist_ok=True)
    pip = [str(interpreter(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        venv.create(HOME / name, with_pip=True, symlinks=True)
        subprocess.run(
            [*pip, *REQUIREMENTS[name]],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()
        why.write_text(said[-1] if said else type(error).__name__, encoding="utf-8")
        return missing(name)
    if name == "phoenix":
        _keep_to_loopback()
    (HOME / name / ".made").touch()
    return None


def _keep_to_loopback() -> None:
    """Phoenix 20 opens its gRPC port to the network, whatever PHOENIX_HOST says: not on a machine that runs tests."""
    for source in HOME.glob("phoenix/lib/*/site-packages/phoenix/server/grpc_server.py"):
        text = source.read_text(encoding="utf-8")
        source.write_text(text.replace('f"[::]:', 'f"127.0.0.1:'), encoding="utf-8")


def main() -> None:
    """Makes every environment, or those that are named."""
    for name in sys.argv[1:] or REQUIREMENTS:
        print(f"{name}: ", end="", flush=True)
        print(make(name) or "ready", flush=True)


if __name__ == "__main__":
    main()
