"""``llmgen size``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmgen.cli import output

if TYPE_CHECKING:
    from llmgen.sizes import RevisionSizes


@click.command("size")
@click.argument("spec", metavar="[SPEC]", type=click.Path(), required=False)
@output.env_option
@click.option("--model", "-m", metavar="NAME", help="Only this model of the spec.")
@click.option(
    "--config", metavar="PATH|NAME", help="A config.json, a checkpoint directory, or a model of the catalogue."
)
@click.option("--gpu", metavar="NAME", help="GPU by name or alias; see `llmgen catalog gpus`.")
@click.option(
    "--gpu-memory-gib",
    type=click.FloatRange(min=0, min_open=True),
    help="GiB the driver reports, instead of the catalogue's.",
)
@click.option("--tp", type=click.IntRange(min=1), default=1, show_default=True, help="Tensor parallel size.")
@click.option("--pp", type=click.IntRange(min=1), default=1, show_default=True, help="Pipeline parallel size.")
@click.option(
    "--dtype", default="auto", show_default=True, help="Type of weights that are not quantized, and of activations."
)
@click.option("--quantization", metavar="METHOD", help="Weight format where the checkpoint does not say it.")
@click.option("--kv-cache-dtype", default="auto", show_default=True, help="Type of the KV cache.")
@click.option(
    "--max-model-len", type=click.IntRange(min=1), help="Longest request in tokens; the model's own by default."
)
@click.option(
    "--max-num-seqs", type=click.IntRange(min=1), help="Requests run at once; the engine's default by device."
)
@click.option(
    "--max-num-batched-tokens", type=click.IntRange(min=1), help="Tokens per step; the engine's default by device."
)
@click.option(
    "--gpu-memory-utilization",
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of GPU memory the engine may use.",
)
@click.option("--enforce-eager", is_flag=True, help="No CUDA graphs and no compilation.")
@click.option("--vllm-version", default="0.32.0", show_default=True, help="vLLM version.")
@click.option("--isl", type=click.FloatRange(min=0), help="Mean prompt length in tokens, for latency.")
@click.option("--osl", type=click.FloatRange(min=0), help="Mean completion length in tokens, for latency.")
@click.option("--concurrency", type=click.FloatRange(min=0), help="Requests running at once, for latency.")
@click.option(
    "--storage",
    default="pvc",
    show_default=True,
    help="Storage kind the weights are read from; see `llmgen catalog storage`.",
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Also draw memory per shape and KV use; .html or .png.",
)
@output.format_option
def command(spec: str | None, env: str | None, model: str | None, plot: str | None, style: str, **options: Any) -> None:  # noqa: ANN401
    """Show which GPU shapes fit a model, what they cost, and why the others do not.

    \b
    Examples:
      llmgen size values/prod/spec.yaml
      llmgen size spec.yaml --env prod --model chat --plot shapes.html
      llmgen size --config config.json --gpu H100 --tp 2 --max-model-len 8192 --format json
    """
    if (spec is None) == (options["config"] is None):
        raise click.UsageError("give either SPEC or --config")
    if spec is not None:
        _spec(spec, output.environment(spec, env), model, plot, style)
    elif options["gpu"] is None:
        raise click.UsageError("--config needs --gpu")
    elif plot is not None:
        raise click.UsageError("--plot draws the shapes of a SPEC")
    else:
        _single(style, **options)


def _spec(spec: str, env: str | None, model: str | None, plot: str | None, style: str) -> None:
    from llmgen import sizes  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.catalog import UnknownName  # noqa: PLC0415
    from llmgen.sizing.report import as_json, render_table  # noqa: PLC0415

    try:
        found, problems = sizes.of_spec(spec, env, model)
    except UnknownName as error:
        raise click.UsageError(str(error)) from error
    if not found and problems:
        output.fail(problems, style)
    if plot is not None:
        _plot(found, plot)
    if style == "json":
        output.print_json({f"{item.model}/{item.revision}": as_json(item.result) | item.times_json() for item in found})
    else:
        click.echo(
            "\n\n".join(
                f"{item.model} {item.revision}\n{render_table(item.result, str(item.times or ''))}" for item in found
            )
        )
    if any(item.result.best is None for item in found):
        sys.exit(1)


def _plot(found: tuple[RevisionSizes, ...], target: str) -> None:
    from llmgen.files import write_atomically  # noqa: PLC0415 -- only with --plot
    from llmgen.sizing.plot import html  # noqa: PLC0415
    from llmgen.sizing.plot_png import png  # noqa: PLC0415

    results = {f"{item.model} {item.revision}": item.result for item in found}
    if target.endswith(".png"):
        try:
            png(results, Path(target))
        except ImportError as error:
            raise click.UsageError("--plot FILE.png needs matplotlib; FILE.html needs nothing") from error
    elif target.endswith(".html"):
        write_atomically(Path(target), html(results))
    else:
        raise click.UsageError("--plot writes .html or .png")


def _single(style: str, **options: Any) -> None:  # noqa: ANN401
    from llmgen.catalog import UnknownName, gpu  # noqa: PLC0415 -- parses YAML
    from llmgen.sizing.device import Device  # noqa: PLC0415
    from llmgen.sizing.report import render_plan  # noqa: PLC0415
    from llmgen.sizing.single import Question, answer  # noqa: PLC0415

    config, checkpoint = _config(options["config"])
    try:
        device = Device.of(gpu(options["gpu"]), memory_gib=options["gpu_memory_gib"])
        found = answer(
            config,
            device,
            Question(
                version=options["vllm_version"],
                tensor_parallel=options["tp"],
                pipeline_parallel=options["pp"],
                dtype=options["dtype"],
                quantization=options["quantization"],
                kv_cache_dtype=options["kv_cache_dtype"],
                max_model_len=options["max_model_len"],
                max_num_seqs=options["max_num_seqs"],
                max_num_batched_tokens=options["max_num_batched_tokens"],
                gpu_memory_utilization=options["gpu_memory_utilization"],
                enforce_eager=options["enforce_eager"],
                checkpoint_bytes=checkpoint,
                prompt_tokens=options["isl"],
                completion_tokens=options["osl"],
                concurrency=options["concurrency"],
                storage=options["storage"],
            ),
        )
    except UnknownName as error:
        raise click.UsageError(str(error)) from error
    if style == "json":
        output.print_json(found.as_json())
    else:
        click.echo(render_plan(found.memory, found.latency, found.load))


def _config(name: str) -> tuple[Mapping[str, Any], int | None]:
    """The facts of a model, and the bytes of its checkpoint where a directory with one is given."""
    from llmgen.architecture.checkpoint import CheckpointError, checkpoint_bytes  # noqa: PLC0415

    path = Path(name)
    if path.is_dir():
        config = _read(path / "config.json")
        try:
            return config, checkpoint_bytes(path)
        except CheckpointError:
            return config, None
    if path.is_file():
        return _read(path), None
    from llmgen.catalog import UnknownName, model, models  # noqa: PLC0415 -- parses YAML

    facts = model(name)
    if facts is None:
        raise click.UsageError(f"no file and {UnknownName('model', name, models())}")
    return facts, None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise click.UsageError(f"{path}: not JSON: {error}") from error
    if not isinstance(data, dict):
        raise click.UsageError(f"{path}: a config.json is an object, not {type(data).__name__}")
    return data
