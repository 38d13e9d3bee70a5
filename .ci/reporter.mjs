// A vitest reporter for .ci/run: says of each skipped test why, and writes "PASSED FAILED SKIPPED" to $CI_COUNTS.
import { writeFileSync } from "node:fs";

export default class {
  #counts = { passed: 0, failed: 0, skipped: 0 };

  onTestCaseResult(test) {
    const result = test.result();
    if (result.state === "pending") return;
    this.#counts[result.state]++;
    if (result.state === "skipped")
      console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}: ${result.note ?? "no reason given"}`);
  }

  onTestRunEnd() {
    const { passed, failed, skipped } = this.#counts;
    if (process.env.CI_COUNTS) writeFileSync(process.env.CI_COUNTS, `${passed} ${failed} ${skipped}\n`);
  }
}
