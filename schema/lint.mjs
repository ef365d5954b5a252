// SPDX-License-Identifier: EUPL-1.2
// Says what is wrong with the description of the API, and ends with 1 if anything is. Warnings count: one that is
// tolerated hides the next.
import { createConfig, lint } from "@redocly/openapi-core";

// A health check has no way to be asked wrongly.
const config = await createConfig({
    extends: ["recommended-strict"],
    rules: { "operation-4xx-response": "off" },
});
const ref = process.argv[2] ?? new URL("openapi.v1.yaml", import.meta.url).pathname;
const problems = await lint({ ref, config });
for (const { severity, ruleId, message, location } of problems) {
    console.error(`${severity} ${ruleId}: ${message} (${location[0]?.pointer ?? ""})`);
}
process.exit(problems.length === 0 ? 0 : 1);
