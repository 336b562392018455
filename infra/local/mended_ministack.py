"""MiniStack as a program: faults of 1.5.33 that Tessera would meet are mended, starts made fast.

Run with `python -P`, in the environment that has MiniStack and nothing of ours. Each is mended here
since AWS does not have it, and the stack should not carry a way around it:

- The update of a nested stack forgets the attributes of each resource that has not changed, and
  fails on the first `Fn::GetAtt` of one ("Requested attribute Arn does not exist in schema"): no
  stack of ours could be deployed twice.
- How far functions have read a table's stream is saved, but the stream is not: after a restart as
  many changes as were read before would pass unnoticed.
- A schedule that a template made begins its minute anew when it is restored, as nobody noted when
  it was made, and one of full hours forgets those that it has slept through: what a restart has
  left waiting would wait for longer than anywhere in AWS.
- The batch operations of SQS are checked as actions of their own. IAM knows none: a batch is sent
  by whoever may `sqs:SendMessage`.
- Each environment of a function imports everything anew, half a second of processor time; here it
  is forked from a process that has made the imports (`snapshot.py`).
- Each function writes down and unpacks its layers for itself at its first call: 53 MB, and more
  than a second of the one thread that serves everything. AWS unpacks a layer once and mounts it;
  so does this.

It also notes which permissions were asked for, a line for each: principal, action, resource, and
whether it was `Allow`. What no line shows is a grant too many.
"""

import contextlib
import hashlib
import io
import os
import runpy
import shutil
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from ministack.app import main
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import eventbridge, lambda_svc
from ministack.services.cloudformation import _stacks, provisioners

_update_resource = provisioners._update_resource
_extract_iam_action = iam_actions.extract_iam_action
_load_persisted_state = lambda_svc.load_persisted_state
_load_rules = eventbridge.load_persisted_state


def _update_keeping_attributes(
    resource_type: str,
    physical_id: str,
    old_props: dict[str, Any],
    new_props: dict[str, Any],
    stack_name: str,
    logical_id: str | None = None,
    old_attrs: dict[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """As the original, with what the stack's record still knows where the caller forgot it."""
    if old_attrs is None:
        record = _stacks.get(stack_name, {}).get("_resources", {}).get(logical_id, {})
        old_attrs = record.get("Attributes")
    updated: tuple[str, dict[str, Any]] = _update_resource(
        resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs
    )
    return updated


def _load_with_streams_at_their_start(data: dict[str, Any]) -> None:
    _load_persisted_state(data)
    positions = lambda_svc._dynamodb_stream_positions._data
    positions.update(dict.fromkeys(positions, 0))


def _load_with_schedules_that_go_on(data: dict[str, Any]) -> None:
    _load_rules(data)
    eventbridge._rule_last_fired.update(dict.fromkeys(eventbridge._rules._data, 0))


def _action_that_iam_knows(
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],
) -> str | None:
    action: str | None = _extract_iam_action(service, method, path, headers, body, query_params)
    if action is not None and action.startswith("sqs:"):
        return action.removesuffix("Batch")
    return action


@dataclass
class _Brought(contextlib.AbstractContextManager["_Brought"]):
    """A file that is only remembered."""

    brought: dict[str, bytes]
    file: str

    def write(self, content: bytes) -> None:
        self.brought[self.file] = content

    def __exit__(self, *ended: object) -> None:
        return None


@dataclass
class _Mounted(contextlib.AbstractContextManager["_Mounted"]):
    """A layer's zip, as far as the emulator looks at it."""

    folder: Callable[[bytes], Path]
    content: bytes

    def namelist(self) -> list[str]:
        """None: to see whether each of 2,800 stays inside took half a second at each start of a
        function, and unpacking, which is done once, lets none out anyhow.
        """
        return []

    def extractall(self, path: str) -> None:
        own = Path(path)
        own.rmdir()
        own.symlink_to(self.folder(self.content))

    def __exit__(self, *ended: object) -> None:
        return None


class _Layers:
    """Layers by their content, unpacked once each; a function's own folder of one is a link."""

    _KEPT = 8
    """So many are known by the very bytes that the emulator holds: to hash 13 MB takes long."""

    def __init__(self) -> None:
        self._known: list[tuple[bytes, Path]] = []
        self._unpacking = threading.Lock()
        self._brought: dict[str, bytes] = {}

    def open(self, file: str, mode: str = "r", **more: Any) -> IO[Any] | _Brought:
        """In place of `open`: a layer's zip is remembered and not written for each function."""
        if self._is_layer(file):
            return _Brought(self._brought, file)
        return open(file, mode, **more)

    def unzip(self, file: str) -> zipfile.ZipFile | _Mounted:
        """In place of `zipfile.ZipFile`."""
        if self._is_layer(file):
            return _Mounted(self.folder, self._brought.pop(file))
        return zipfile.ZipFile(file)

    def folder(self, content: bytes) -> Path:
        with self._unpacking:
            for known, folder in self._known:
                if known is content:
                    return folder
            name = hashlib.sha256(content).hexdigest()
            shared = Path(tempfile.gettempdir()) / "layers" / name
            if not shared.exists():
                unfinished = shared.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                with zipfile.ZipFile(io.BytesIO(content)) as packed:
                    packed.extractall(unfinished)
                unfinished.rename(shared)
            self._known = [*self._known, (content, shared)][-self._KEPT :]
            return shared

    def _is_layer(self, file: str) -> bool:
        return Path(file).name.startswith("layer_")


_evaluate = iam_evaluator.evaluate
_noted: set[tuple[str, str, str, str]] = set()


def _evaluate_noting_what_is_asked(
    ctx: iam_evaluator.EvalContext,
    policies: list[list[iam_evaluator.ParsedStatement]],
    *limits: list[list[iam_evaluator.ParsedStatement]],
) -> iam_evaluator.EvalResult:
    result = _evaluate(ctx, policies, *limits)
    asked = (ctx.principal_arn, ctx.action, ctx.resource_arn, result.decision)
    if asked not in _noted:
        _noted.add(asked)
        with Path(os.environ["PERMISSIONS_ASKED"]).open("a") as log:
            log.write("\t".join(asked) + "\n")
    return result


if __name__ == "__main__":
    # By its path: with our folder on `sys.path`, functions would find our modules.
    snapshots = runpy.run_path(str(Path(__file__).with_name("snapshot.py")))["Snapshots"]()
    lambda_runtime.subprocess = SimpleNamespace(
        Popen=snapshots.start,
        PIPE=subprocess.PIPE,
        DEVNULL=subprocess.DEVNULL,
        STDOUT=subprocess.STDOUT,
    )
    layers = _Layers()
    lambda_runtime.open = layers.open
    lambda_runtime.zipfile = SimpleNamespace(
        ZipFile=layers.unzip,
        BadZipFile=zipfile.BadZipFile,
        LargeZipFile=zipfile.LargeZipFile,
        LargeFileError=zipfile.LargeZipFile,  # the name that it looks for
    )
    provisioners._update_resource = _update_keeping_attributes
    lambda_svc.load_persisted_state = _load_with_streams_at_their_start
    eventbridge.load_persisted_state = _load_with_schedules_that_go_on
    iam_actions.extract_iam_action = _action_that_iam_knows
    iam_evaluator.evaluate = _evaluate_noting_what_is_asked
    main()
