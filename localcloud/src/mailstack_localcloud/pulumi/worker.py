"""One operation of the in-process engine, in a process of its own: a request on stdin, an answer in a file.

Not for people: `inprocess.InProcessStack` runs it.
"""

import asyncio
import json
import os
import runpy
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pulumi import RunError
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config

from mailstack_localcloud.pulumi import state
from mailstack_localcloud.pulumi.deployment import Deployment, StepError
from mailstack_localcloud.pulumi.monitor import Monitor
from mailstack_localcloud.pulumi.plugin import Plugin, PluginError
from mailstack_localcloud.pulumi.state import Record
from mailstack_localcloud.pulumi.transforms import TransformError, Transforms

_PROVIDER = "aws:"


@dataclass(frozen=True)
class Request:
    """The operation."""

    verb: str
    stack: str
    project: str
    root: str
    program: str
    config: dict[str, str]
    secrets: list[str]
    """Keys of `config` whose values are secret."""
    state: str
    answer: str

    @property
    def folder(self) -> Path:
        """The working directory of the program."""
        program = Path(self.program)
        return program if program.is_dir() else program.parent


def main() -> None:
    """Do what stdin says, and write what came of it."""
    # The program finds what the real language host would let it find: its own folder, and what is installed.
    del sys.path[0]  # where this module was found
    request = Request(**json.loads(sys.stdin.read()))
    os.chdir(request.folder)
    perform(request)


def perform(request: Request, plugin: Plugin | None = None) -> None:
    """Carry out a request, in the folder of its program."""
    remembered = Path(request.state)
    records = state.load(remembered)

    preview = request.verb == "preview"

    def keep(found: Iterable[Record]) -> None:
        """After every step, so that whatever ends this process leaves behind what is there."""
        if not preview:
            state.save(remembered, found)

    config = {key.removeprefix(_PROVIDER): value for key, value in request.config.items() if key.startswith(_PROVIDER)}
    deployment = Deployment(records, config, preview=preview, folder=Path.cwd(), keep=keep, plugin=plugin)
    errors: list[str] = []
    try:
        _VERBS[request.verb](deployment, request)
        errors = deployment.errors
    except (StepError, PluginError, TransformError) as error:
        errors = deployment.errors or [str(error)]
    except RunError as error:  # the program's own words, which Pulumi shows without a traceback
        errors = [str(error)]
    except Exception as error:  # noqa: BLE001 - whatever the program raises is its answer
        errors = deployment.errors or [_of_program(error)]
    finally:
        deployment.close()
        keep(deployment.records)
    Path(request.answer).write_text(json.dumps({"errors": errors, "steps": deployment.steps}), encoding="utf-8")


def _of_program(error: Exception) -> str:
    return "The program raised an error:\n" + "".join(traceback.format_exception(error)).rstrip()


def _deploy(deployment: Deployment, request: Request) -> None:
    transforms = Transforms(deployment.hooks.callbacks)
    monitor = Monitor(deployment, request.project, request.stack, transforms)
    configure(
        Settings(
            request.project,
            request.stack,
            monitor=monitor,
            engine=monitor,
            dry_run=deployment.preview,
            organization="organization",
            root_directory=request.root,
        )
    )
    set_all_config(request.config, request.secrets)

    # A cached program is recognized by its size and the second in which it was written.
    sys.dont_write_bytecode = True

    def program() -> None:
        runpy.run_path(request.program, run_name="__main__")

    asyncio.run(run_in_stack(program))


def _refresh(deployment: Deployment, _: Request) -> None:
    deployment.refresh()


def _destroy(deployment: Deployment, _: Request) -> None:
    deployment.prune()


_VERBS = {"preview": _deploy, "up": _deploy, "refresh": _refresh, "destroy": _destroy}

if __name__ == "__main__":
    main()
