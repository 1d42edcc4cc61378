"""What the end-to-end cases share: the cluster, the fake engine's image, one installed release, and the table at the end."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.e2e.client import allow_egress
from tests.e2e.cluster import Cluster, until
from tests.e2e.release import IMAGE, V1, Release
from tests.fakes import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMESPACE = "llm-serving-e2e"
GPUS = 8  # on each real node; the cases run at most five engines at once
BUILD = "docker build -q -t {tag} {directory} && kind load docker-image {tag}"
CASES = pytest.StashKey[list[tuple[str, str, float, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: needs a cluster (make e2e)")
    config.stash[CASES] = []


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Only ``pytest -m e2e`` looks in here: a cluster is not for everyone."""
    return None if config.getoption("markexpr") == "e2e" else True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        detail = dict(report.user_properties).get("detail", "")
        item.config.stash[CASES].append((item.name, report.outcome, call.duration, detail))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[CASES]:
        terminalreporter.section("end to end")
    for name, outcome, seconds, detail in config.stash[CASES]:
        terminalreporter.write_line(
            f"{outcome:<8}{seconds:>7.1f} s  {name.removeprefix('test_').replace('_', ' ')}  {detail}"
        )


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the fake engine and make it available to the cluster: ``$E2E_BUILD_IMAGE TAG DIRECTORY``."""
    directory = stage.stage(tmp_path_factory.mktemp("image"))
    hook = os.environ.get("E2E_BUILD_IMAGE")
    if hook:
        subprocess.run([*shlex.split(hook), IMAGE, str(directory)], check=True)
    else:
        subprocess.run(BUILD.format(tag=IMAGE, directory=shlex.quote(str(directory))), shell=True, check=True)  # noqa: S602
    return IMAGE


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    found = Cluster(NAMESPACE)
    found.create_namespace()
    workers = found.workers()
    for node in workers:
        found.advertise(node, GPUS)
    yield found
    for node in workers:
        found.withdraw(node)
    if not os.environ.get("E2E_KEEP"):
        found.delete_namespace()


@pytest.fixture(scope="session")
def release(cluster: Cluster, image: str, tmp_path_factory: pytest.TempPathFactory) -> Release:  # noqa: ARG001 -- built first
    """The serving release, installed and ready."""
    installed = Release("demo", "serving", cluster.namespace, tmp_path_factory.mktemp("values"))
    installed.apply()
    allow_egress(cluster)
    until("both engines are available", lambda: cluster.rolled_out(V1), 180)
    return installed


@pytest.fixture
def detail(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say what was measured, for the table."""
    return lambda text: record_property("detail", text)
