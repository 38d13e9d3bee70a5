import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // One more than vitest's own choice: a worker waits most of the time for programs that its tests run.
    maxWorkers: availableParallelism(),
    // Only for what never ends: others may use the machine as well.
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
