"""``llmgen rollout``."""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from llmgen.cli import output, steering


@click.group("rollout")
def command() -> None:
    """Move a new revision to all requests step by step, or back. Pointers move, pods do not: no step restarts an engine.

    The steps are the model's `rollout` in the spec: shadow, rising weights, promotion. Each command writes one step to rollout.yaml
    beside the values; `helm upgrade` (without --wait) or your GitOps brings it to the cluster.
    """


@command.command("plan")
@steering.common
def plan(spec: str, env: str | None, folder: str | None, model: str | None, style: str) -> None:
    """Show every step with the engines and GPUs it needs; fail if the pools cannot hold one.

    \b
    Example:
      llmgen rollout plan values/prod/spec.yaml --model chat
    """
    from llmgen.rollout import show  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.rollout.outlook import outlook  # noqa: PLC0415

    release = steering.release(spec, env, folder, style)
    ways = [(state, outlook(state)) for state in steering.states(release, model) if state.candidate is not None]
    if style == "json":
        output.print_json({state.name: show.as_json(stages) for state, stages in ways})
    elif not ways:
        click.echo("no model has a canary or a shadow that is not stable already")
    else:
        click.echo("\n".join(line for state, stages in ways for line in show.plan(state, stages)))
    problems = [problem for state, stages in ways for problem in steering.too_small(state, stages)]
    if problems:
        output.fail(problems, "text")


@command.command("status")
@steering.common
def status(spec: str, env: str | None, folder: str | None, model: str | None, style: str) -> None:
    """Show where each rollout stands, from the spec and rollout.yaml alone.

    \b
    Example:
      llmgen rollout status values/prod/spec.yaml
    """
    from llmgen.rollout import show  # noqa: PLC0415 -- `--help` needs none of it

    states = steering.states(steering.release(spec, env, folder, style), model)
    if style == "json":
        output.print_json([show.state_json(state) for state in states])
        return
    lines = [line for state in states for line in show.status(state, steering.now())]
    click.echo("\n".join(lines) if lines else "no model has a canary, a shadow or a record of a rollout")


@command.command("advance")
@steering.common
@steering.judged
@steering.writing
def advance(
    spec: str, env: str | None, folder: str | None, model: str | None, style: str, prometheus: str | None, force: str | None,
    dry_run: bool,  # noqa: FBT001 -- click passes options by name
) -> None:  # fmt: skip
    """Take the next step, if the canary is ready for it and as good as stable.

    Compares canary and stable since the last step (errors, TTFT, TPOT, truncation) by the spec's gates, and refuses while the step has
    not baked, has seen too few requests, or data are missing. The engines that the step after it needs are started with it.

    \b
    Example:
      llmgen rollout advance values/prod/spec.yaml --model chat --prometheus http://localhost:9090
    """
    from llmgen.rollout import moves  # noqa: PLC0415 -- `--help` needs none of it
    from llmgen.rollout.outlook import outlook  # noqa: PLC0415

    state = steering.one(steering.release(spec, env, folder, style), model)
    at, ahead = state.position() + 1, steering.ahead(state, style)
    if at >= len(ahead):
        steering.refuse(
            state, style, f"{state.candidate} has taken its last step", "llmgen rollout promote makes it stable"
        )
    stage = outlook(state)[at]
    problems = steering.too_small(state, (stage,))
    if problems:
        output.fail(problems, style)
    now = steering.now()
    entry = moves.advance(state, at, now)
    entry, gates = steering.judge(
        state, at, entry, name=str(ahead[at]), asked=(prometheus, force), now=now, style=style
    )
    steering.write(state, entry, style, dry_run=dry_run, said=f"{state.candidate} at {ahead[at]}", gates=gates)


@command.command("promote")
@steering.common
@steering.judged
@steering.writing
def promote(
    spec: str, env: str | None, folder: str | None, model: str | None, style: str, prometheus: str | None, force: str | None,
    dry_run: bool,  # noqa: FBT001 -- click passes options by name
) -> None:  # fmt: skip
    """Make the canary stable after its last step. The old stable becomes `previous` and stays warm.

    Both keep the sizes they have: until `llmgen rollout finish`, rollout.yaml pins their replicas, whatever the spec's scaling says.
    Afterwards, follow in the spec's tracks (stable, previous), and end with `finish`.

    \b
    Example:
      llmgen rollout promote values/prod/spec.yaml --model chat
    """
    from llmgen.rollout import moves  # noqa: PLC0415 -- `--help` needs none of it

    state = steering.one(steering.release(spec, env, folder, style), model)
    ahead = steering.ahead(state, style)
    if state.position() != len(ahead) - 1 or ahead[-1].kind != "weight":
        steering.refuse(state, style, f"{state.candidate} has not taken its last step", "llmgen rollout advance")
    now = steering.now()
    entry = moves.promote(state, now)
    entry, gates = steering.judge(
        state, len(ahead), entry, name="promote", asked=(prometheus, force), now=now, style=style
    )
    said = f"{state.candidate} is stable, {state.stable} previous; rollout.yaml pins the sizes of both until llmgen rollout finish"
    steering.write(state, entry, style, dry_run=dry_run, said=said, gates=gates)


@command.command("abort")
@steering.common
@steering.live
@steering.writing
@click.option("--no-brake", is_flag=True, help="Only write the file; leave the cluster alone.")
def abort(
    spec: str, env: str | None, folder: str | None, model: str | None, style: str, kubeconfig: str | None, context: str | None,
    dry_run: bool, no_brake: bool,  # noqa: FBT001 -- click passes options by name
) -> None:  # fmt: skip
    """Stop a rollout: brake the live gateways first, then write weights of 0.

    The brake is a ConfigMap that every gateway watches: all requests go to stable within seconds, whatever Helm or GitOps is doing. Take
    it off with `llmgen rollout release` once the file is applied. Exit code 1 if the brake could not be set; the file is written then too.

    \b
    Example:
      llmgen rollout abort values/prod/spec.yaml --model chat --context prod
    """
    from llmgen.rollout import moves  # noqa: PLC0415 -- `--help` needs none of it

    state = steering.one(steering.release(spec, env, folder, style, strict=False), model)
    if state.candidate is None:
        steering.refuse(
            state,
            style,
            f"{state.stable} is stable and no other revision has requests",
            "llmgen rollout rollback goes back",
        )
    braked, said = (False, "") if no_brake or dry_run else steering.pull(state, kubeconfig, context)
    if said and style == "text":
        click.echo(f"brake: {said}", err=True)
    extra = {"brake": {"set": braked, "said": said}} if said else {}
    steering.write(
        state,
        moves.abort(state, steering.now()),
        style,
        dry_run=dry_run,
        said="all requests to stable",
        extra=extra,
        checked=False,
    )
    if said and not braked:
        sys.exit(1)


@command.command("rollback")
@steering.common
@steering.writing
def rollback(spec: str, env: str | None, folder: str | None, model: str | None, style: str, dry_run: bool) -> None:  # noqa: FBT001
    """Make the previous revision stable again. Its engines run, so this is a pointer too.

    \b
    Example:
      llmgen rollout rollback values/prod/spec.yaml --model chat
    """
    from llmgen.rollout import moves  # noqa: PLC0415 -- `--help` needs none of it

    state = steering.one(steering.release(spec, env, folder, style, strict=False), model)
    if state.previous is None:
        steering.refuse(
            state, style, "no revision is on the track `previous`", "llmgen rollout abort stops a rollout under way"
        )
    if state.under_way:
        steering.refuse(state, style, f"{state.candidate} is under way", "llmgen rollout abort stops it")
    steering.write(
        state, moves.rollback(state, steering.now()), style, dry_run=dry_run, said=f"{state.previous} is stable again"
    )


@command.command("finish")
@steering.common
@click.option("--force", is_flag=True, help="Let the previous revision go before its time.")
@steering.writing
def finish(
    spec: str, env: str | None, folder: str | None, model: str | None, style: str,
    force: bool, dry_run: bool,  # noqa: FBT001 -- click passes options by name
) -> None:  # fmt: skip
    """End a rollout: drop the model from rollout.yaml, now that the spec's tracks say the same.

    \b
    Example:
      llmgen rollout finish values/prod/spec.yaml --model chat
    """
    state = steering.one(steering.release(spec, env, folder, style), model, recorded=True)
    if state.under_way:
        steering.refuse(state, style, f"{state.candidate} is under way", "llmgen rollout promote or abort")
    if state.model.tracks.stable != state.stable:
        text = f"the spec says stable is {state.model.tracks.stable}, and {state.stable} is"
        steering.refuse(state, style, text, f"tracks: {{stable: {state.stable}}} in the spec")
    over = (state.since or steering.now()) + timedelta(seconds=state.model.rollout.keep_previous)
    if state.record.get("step") == "promoted" and steering.now() < over and not force:
        steering.refuse(
            state,
            style,
            f"{state.previous} stays warm until {over:%Y-%m-%d %H:%M} UTC (rollout.keepPrevious)",
            "--force",
        )
    steering.write(state, None, style, dry_run=dry_run, said="the spec's tracks count again")


@command.command("release")
@steering.common
@steering.live
@click.option("--force", is_flag=True, help="Even if a canary would get requests at once.")
def release(
    spec: str, env: str | None, folder: str | None, model: str | None, style: str, kubeconfig: str | None, context: str | None,
    force: bool,  # noqa: FBT001 -- click passes options by name
) -> None:  # fmt: skip
    """Take the brake off that `abort` put on, once no canary has a weight on the live cluster.

    \b
    Example:
      llmgen rollout release values/prod/spec.yaml --context prod
    """
    from llmgen.rollout.brake import Brake, BrakeError  # noqa: PLC0415 -- `--help` needs none of it

    del model
    found = steering.release(spec, env, folder, style, strict=False)
    try:
        brake = Brake(found, kubeconfig=kubeconfig, context=context)
        shares = {} if force else brake.live_shares()
        removed = not shares and brake.release()
    except BrakeError as error:
        raise click.ClickException(str(error)) from error
    if shares:
        said = ", ".join(f"{name} {share} %" for name, share in shares.items())
        raise click.ClickException(f"canaries or shadows would get requests at once ({said}): apply rollout.yaml first")
    if style == "json":
        output.print_json({"removed": removed})
    else:
        click.echo("the brake is off" if removed else "there was no brake")
