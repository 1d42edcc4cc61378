"""What the end-to-end cases share: images, the cluster, the services around a release, one installed release, and the table at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.e2e import images
from tests.e2e import support as around
from tests.e2e.blindness import Blindness
from tests.e2e.cluster import Cluster
from tests.e2e.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMESPACE = "llm-serving-e2e"
GPUS = 20  # on each real node; the cases run at most sixteen engines at once
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
def built(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The images, where the cluster finds them; not built again with ``E2E_SKIP_BUILD``."""
    if not os.environ.get("E2E_SKIP_BUILD"):
        images.build_all(tmp_path_factory.mktemp("images"))


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
def support(built: None, cluster: Cluster) -> Iterator[around.Support]:  # noqa: ARG001 -- built first
    own = Cluster(around.NAMESPACE)
    yield around.Support(own, cluster.namespace)
    if not os.environ.get("E2E_KEEP"):
        own.delete_namespace()


@pytest.fixture(scope="session")
def release(cluster: Cluster, support: around.Support, tmp_path_factory: pytest.TempPathFactory) -> Release:  # noqa: ARG001 -- started first
    """The serving release, installed and ready."""
    installed = Release("e2e", "serving", cluster, tmp_path_factory.mktemp("values"))
    installed.issue_keys()
    installed.apply()
    installed.ready()
    return installed


@pytest.fixture(scope="session")
def elastic(cluster: Cluster, support: around.Support, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:  # noqa: ARG001 -- started first
    """A release that KEDA scales: one to four engines, four requests in flight each."""
    if not cluster.knows("keda.sh"):
        pytest.skip("the cluster has no KEDA")
    installed = Release("elastic", "elastic", cluster, tmp_path_factory.mktemp("elastic"))
    installed.issue_keys()
    installed.apply()
    installed.ready()
    yield installed
    installed.uninstall(wait=False)


@pytest.fixture(scope="session")
def blindness(elastic: Release, support: around.Support) -> Iterator[Blindness]:
    """Minutes without Prometheus, begun by the first case that wants them."""
    with Blindness(elastic, support) as begun:
        yield begun


@pytest.fixture
def detail(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say what was measured, for the table."""
    return lambda text: record_property("detail", text)
