"""Gives ministack an environment, temporary folder, logging and clock apart from the process's.

A process that runs ministack in a thread stays unchanged. Each of ministack's modules has its own `__import__`, which
returns stand-ins. Those of the HTTP server, which ministack would monkey-patch, are empty shells: loading it would be a
sixth of the start. README.md has the decision record.
"""

import builtins
import contextlib
import importlib.util
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, cast

# The server's modules, and what ministack takes from each.
_SERVER = {
    "h11": "",
    "hypercorn.config": "Config",
    "hypercorn.protocol.events": "EndBody Response",
    "hypercorn.protocol.h11": "H11Protocol",
    "hypercorn.protocol.ws_stream": "WSStream",
    "ministack.core.hypercorn_compat": "install",
}
_END_SECONDS = 1.0


class Confinement(MetaPathFinder):
    """Confines a package that has not been imported yet.

    Args:
        environment: All of its environment.
        scratch: Where its temporary files go.
        package: Which.
    """

    def __init__(self, environment: Mapping[str, str], scratch: str, package: str = "ministack") -> None:
        self.over = threading.Event()
        self._package = package
        self._stand_ins = {
            "os": _environment(environment),
            "tempfile": _folder(scratch),
            "logging": _variant(logging, basicConfig=_nothing),
            "threading": _variant(threading, Thread=_Thread),
            "time": _variant(time, sleep=self._sleep),
            **{name: _shell(name, classes) for name, classes in _SERVER.items()},
        }

    def begin(self) -> None:
        """Confine what is imported from now on."""
        sys.meta_path.insert(0, self)

    def end(self) -> None:
        """End its periodic background threads; wait a moment for those that are working."""
        self.over.set()
        until = time.monotonic() + _END_SECONDS
        for thread in threading.enumerate():
            if isinstance(thread, _Thread):
                thread.join(max(until - time.monotonic(), 0.0))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`."""
        if fullname.partition(".")[0] != self._package:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            spec.loader = _Confined(spec.loader, self._import)
        return spec

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the names are Python's
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0 and name in self._stand_ins:
            return self._stand_ins[name]
        return builtins.__import__(name, globals, locals, fromlist, level)

    def _sleep(self, seconds: float) -> None:
        if self.over.wait(seconds):
            raise SystemExit


class _Thread(threading.Thread):
    """A thread that ends silently at `SystemExit`."""

    def run(self) -> None:
        with contextlib.suppress(SystemExit):
            super().run()


class _Confined(Loader):
    """Another loader's modules, with builtins of their own."""

    def __init__(self, loader: Loader, importing: Any) -> None:
        self._loader = loader
        self._builtins = {**vars(builtins), "__import__": importing}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self._builtins
        self._loader.exec_module(module)


def _variant(module: ModuleType, **changed: object) -> ModuleType:
    variant = ModuleType(module.__name__)
    vars(variant).update({**vars(module), **changed})
    return variant


def _shell(name: str, classes: str) -> ModuleType:
    shell = ModuleType(name)
    vars(shell).update({one: type(one, (), {}) for one in classes.split()})
    return shell


def _nothing(**_: object) -> None:
    pass


def _environment(environment: Mapping[str, str]) -> ModuleType:
    own = dict(environment)
    return _variant(os, environ=own, getenv=own.get)


def _folder(scratch: str) -> ModuleType:
    """A second `tempfile`: which folder it uses is a variable of the module's."""
    spec = cast("ModuleSpec", importlib.util.find_spec("tempfile"))
    module = importlib.util.module_from_spec(spec)
    cast("Loader", spec.loader).exec_module(module)
    vars(module)["tempdir"] = scratch
    return module
