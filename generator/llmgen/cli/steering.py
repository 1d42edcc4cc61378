"""What the commands of ``llmgen rollout`` share: options, the release they act on, refusals, writing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from llmgen.cli import output

if TYPE_CHECKING:
    from llmgen.problems import Problem
    from llmgen.rollout.gates import Gate
    from llmgen.rollout.outlook import Stage
    from llmgen.rollout.state import Release, State
    from llmgen.rollout.steps import Step

F = TypeVar("F", bound=Callable[..., Any])


def common(function: F) -> F:
    """Give a command SPEC and the options that every command of a rollout has."""
    for option in (
        output.format_option,
        click.option("--model", metavar="NAME", help="Model to move; needed when several have a canary."),
        click.option(
            "--dir", "folder", metavar="DIR", type=click.Path(file_okay=False),
            help="Folder of values.yaml and rollout.yaml.  [default: the spec's]",
        ),
        output.env_option,
        output.spec_argument,
    ):  # fmt: skip
        function = option(function)
    return function


def writing(function: F) -> F:
    """Give a command --dry-run."""
    return click.option("--dry-run", is_flag=True, help="Print what rollout.yaml would hold, and write nothing.")(
        function
    )


def judged(function: F) -> F:
    """Give a command the options of one that looks at gates."""
    for option in (
        click.option("--force", metavar="REASON", help="Go on against the gates; the reason is kept in rollout.yaml."),
        click.option("--prometheus", metavar="URL", help="Prometheus to ask.  [default: cluster.prometheus.address]"),
    ):
        function = option(function)
    return function


def live(function: F) -> F:
    """Give a command the options of one that touches the live cluster."""
    for option in (
        click.option("--context", metavar="NAME", help="Context of the kubeconfig.  [default: the current one]"),
        click.option("--kubeconfig", metavar="FILE", type=click.Path(), help="Kubeconfig.  [default: kubectl's]"),
    ):
        function = option(function)
    return function


def now() -> datetime:
    """Return the time that is written down: UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def release(spec: str, env: str | None, folder: str | None, style: str, *, strict: bool = True) -> Release:
    """Check the spec and its overlays and return the release; problems end the command."""
    from llmgen.rollout import state  # noqa: PLC0415 -- `--help` needs none of it

    beside = Path(folder) if folder is not None else Path(spec).parent
    outcome = output.run(spec, env, style, layered=False)  # what a step would write counts, not what is there
    found, problems = state.load(outcome, beside, strict=strict)
    if found is None:
        output.fail(problems, style)
    return found


def states(release: Release, model: str | None) -> list[State]:
    """Return the states of the model that was asked for, or of all that a rollout is about."""
    from llmgen.rollout import state  # noqa: PLC0415 -- `--help` needs none of it

    if model is not None and model not in release.context.spec.models:
        from llmgen.problems import guess_hint  # noqa: PLC0415 -- only after an error

        hint = guess_hint(model, release.context.spec.models)
        raise click.UsageError(f"the spec has no model {model!r}" + (f"; {hint}" if hint else ""))
    return [state.of(release, name) for name in ((model,) if model is not None else release.models())]


def one(release: Release, model: str | None, *, recorded: bool = False) -> State:
    """Return the one model to move; ``recorded`` counts only those that rollout.yaml speaks of. Several are wrong usage."""
    found = states(release, model)
    if model is None and recorded:
        found = [state for state in found if state.record]
    if not found:
        raise click.UsageError(
            "no model has a canary; name the new revision in the spec: tracks: {stable: ..., canary: ...}"
        )
    if len(found) > 1:
        raise click.UsageError(f"choose one with --model: {', '.join(state.name for state in found)}")
    return found[0]


def ahead(state: State, style: str) -> tuple[Step, ...]:
    """Return the way of the candidate, after refusing what has none (LLM504)."""
    named = state.model.tracks.canary
    if state.under_way and named is not None and state.candidate not in (None, named):
        refuse(
            state,
            style,
            f"the spec's canary is {named}, and {state.candidate} is under way",
            "promote or abort it first",
        )
    ahead = state.steps()
    if not ahead:
        refuse(
            state,
            style,
            f"no revision is on trial; {state.stable} is stable",
            "name another revision as canary in the spec",
        )
    return ahead


def refuse(state: State, style: str, text: str, hint: str) -> NoReturn:
    """End the command with LLM504 at the model's tracks."""
    context = state.release.context
    context.problems.clear()  # warnings have been said
    context.add("LLM504", ("models", state.name, "tracks"), f"{state.name}: {text}", key=True, hint=hint)
    output.fail(context.problems, style)


def too_small(state: State, stages: Iterable[Stage]) -> list[Problem]:
    """Return what the pools cannot hold (LLM501), once for each pool: at the first step that needs too much."""
    context, seen = state.release.context, set[str]()
    context.problems.clear()  # warnings have been said
    for stage in stages:
        for pool in stage.pools:
            if not pool.fits and pool.name not in seen:
                seen.add(pool.name)
                context.add(
                    "LLM501", ("cluster", "pools", pool.name, "maxNodes"), f"{state.name} at {stage.name}: {pool}",
                    hint=f"at least {pool.nodes} nodes, or a lower scaling.max of what runs beside it",
                )  # fmt: skip
    return context.problems


def judge(
    state: State,
    to: int,
    entry: dict[str, Any],
    *,
    name: str,
    asked: tuple[str | None, str | None],
    now: datetime,
    style: str,
) -> tuple[dict[str, Any], tuple[Gate, ...]]:
    """Print the gates in front of a step, and return the entry to write; a closed gate ends the command unless it is forced.

    ``asked`` are the options --prometheus and --force.
    """
    from llmgen.rollout import gates, judge, moves, show  # noqa: PLC0415 -- `--help` needs none of it

    address, force = asked
    declared = state.release.context.spec.cluster.prometheus
    found = judge.judge(state, to, address or (None if declared is None else declared.address), now)
    if style == "text" and found:
        click.echo(
            "\n".join(
                [f"{state.name}: {state.candidate} against {state.stable}, before {name}", *show.gates(state, found)]
            )
        )
    if gates.open_(found):
        return entry, found
    against = tuple(str(gate) for gate in found if gate.verdict not in gates.OPEN)
    if force:
        return moves.forced(entry, to=name, reason=force, against=against, now=now), found
    if style == "json":
        output.print_json(
            {"model": state.name, "to": name, "written": None, "refused": list(against), "gates": show.as_json(found)}
        )
    else:
        click.echo(f"refused: {'; '.join(against)}", err=True)
    sys.exit(1)


def write(
    state: State, entry: dict[str, Any] | None, style: str, *, dry_run: bool, said: str, extra: dict[str, Any] | None = None,
    gates: tuple[Gate, ...] = (), checked: bool = True,
) -> None:  # fmt: skip
    """Write rollout.yaml with the model's new part, or print it. ``checked``: refuse what the values contract or its rules do not allow."""
    from llmgen import invariants  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.files import write_atomically  # noqa: PLC0415
    from llmgen.problems import errors  # noqa: PLC0415
    from llmgen.rollout import moves, record, show  # noqa: PLC0415
    from llmgen.source import Document  # noqa: PLC0415

    release = state.release
    data = moves.put(release.written, state.name, entry)
    wrong = errors(invariants.check(Document.from_data(release.layered(data), str(release.file)))) if checked else []
    if wrong:
        output.fail(wrong, style)
    text = record.text(data)
    if not dry_run:
        try:
            write_atomically(str(release.file), text)
        except OSError as error:
            raise click.ClickException(f"{release.file}: {error.strerror}") from error
    if style == "json":
        written = None if dry_run else str(release.file)
        told = {"model": state.name, "said": said, "written": written, "rollout": data, "gates": show.as_json(gates)}
        output.print_json({**told, **(extra or {})})
    elif dry_run:
        click.echo(text, nl=False)
    else:
        click.echo(
            f"wrote {release.file}: {state.name}, {said}; now apply it: helm upgrade (without --wait), or commit it",
            err=True,
        )


def pull(state: State, kubeconfig: str | None, context: str | None) -> tuple[bool, str]:
    """Brake the release's gateways; say whether the brake is on, and how that went."""
    from llmgen.rollout.brake import Brake, BrakeError  # noqa: PLC0415 -- `--help` needs none of it

    release = state.release
    if not release.context.spec.gateway.enabled:
        return False, "NOT set: the release has no gateway. Requests go on as they do until rollout.yaml is applied"
    try:
        brake = Brake(release, kubeconfig=kubeconfig, context=context)
        new = brake.pull(f"llmgen rollout abort: {state.name} {state.candidate}")
    except BrakeError as error:
        return False, f"NOT set: {error}. Requests go on as they do until rollout.yaml is applied"
    where = f"configmap {brake.name} in namespace {brake.namespace}"
    return (
        True,
        f"on: all gateways of {release.name} send everything to stable ({where})"
        if new
        else f"was on already ({where})",
    )
