// A plugin in JavaScript, for the tests: it has no opinion on the tool `noop`, and gives every other tool new arguments that name it.

import { all } from "plugbay:plugin/config@0.1.0";
import { write } from "plugbay:plugin/log@0.1.0";

export const plugin = {
    describe() {
        return "{}";
    },
    activate(_activation) {
        write("info", `js-echo activated, its settings are ${all()}`);
    },
    deactivate(_reason) {},
};

export const beforeToolCall = {
    handle(_context, event) {
        if (event.toolName === "noop") {
            return undefined;
        }
        return { params: JSON.stringify({ language: "javascript", tool: event.toolName }), attrs: [] };
    },
};
