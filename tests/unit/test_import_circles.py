"""No file imports another in a circle, not even for types: each can be read after those that it rests on."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def circle(package: str) -> list[str]:
    """The files of a circle; empty if there is none."""
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", ["mailer", "mailstack_infra", "mailstack_localcloud"])
def test_package_has_no_import_circle(package: str):
    assert circle(package) == []
