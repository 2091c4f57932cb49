"""A plugin in Python, for the tests: it has no opinion on the tool `noop`, and gives every other tool new arguments that name it."""

import json
from typing import Optional

from wit_world import exports
from wit_world.exports import before_tool_call, plugin
from wit_world.imports import config, log, types


class Plugin(exports.Plugin):
    def describe(self) -> str:
        return "{}"

    def activate(self, activation: plugin.Activation) -> None:
        log.write(log.Level.INFO, f"python-echo activated, its settings are {config.all()}")

    def deactivate(self, reason: plugin.DeactivationReason) -> None:
        pass


class BeforeToolCall(exports.BeforeToolCall):
    def handle(self, context: types.CallContext, event: before_tool_call.Event) -> Optional[before_tool_call.Outcome]:
        if event.tool_name == "noop":
            return None
        params = json.dumps({"language": "python", "tool": event.tool_name}, separators=(",", ":"))
        return before_tool_call.Outcome(params=params, block=None, approval=None, attrs=[])
