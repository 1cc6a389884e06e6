// Bundles the packages before vitest runs, so that a test of one package never meets an older build of another.
export { bundlePackages as setup } from "./package-bundle.mjs";
