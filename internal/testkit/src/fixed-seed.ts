import { configureGlobal } from "fast-check";

// Every run of a property test tries the same values, because a verdict must not depend on the sample.
configureGlobal({ seed: 1 });
