import { statSync } from "node:fs";

// Before the imports of each test file. Where the last file that a process has looked at was a socket, Node.js 20 and 22 take
// the next module that lies behind a link for one of its own, and there are two of every class in it: `realpathSync` stops at
// what it knows already, by the figures of another file. `lstatSync` with `bigint` has figures of its own.
statSync(".");
