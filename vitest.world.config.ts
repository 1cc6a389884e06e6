import { defineConfig } from "vitest/config";

/** `npm run test:world`: tests with what is outside of this repository and its lockfile, and takes long to get. */
export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: 300_000,
    hookTimeout: 600_000,
    globalSetup: "scripts/bundle-before-tests.mjs",
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    include: ["{internal,packages}/*/world/**/*.test.ts"],
    setupFiles: ["internal/testkit/src/forget-sockets.ts"],
  },
});
