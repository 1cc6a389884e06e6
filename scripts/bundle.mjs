// Bundles every package in packages/ into its dist; tsc -b adds the declarations.
import { bundlePackages } from "./package-bundle.mjs";

await bundlePackages();
