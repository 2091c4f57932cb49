// Makes a component of echo.js. The first argument is the file to write.
//
// Left out of the JavaScript runtime: `fetch` and the incoming half of HTTP, which a host of plugins doesn't offer.

import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const { component } = await componentize({
    sourcePath: "echo.js",
    witPath: "wit",
    worldName: "fixture",
    disableFeatures: ["http", "fetch-event"],
});
await writeFile(process.argv[2], component);
