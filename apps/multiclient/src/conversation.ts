/** The agreement between the manager and the clients of this example. */
export const NAME = "example_multi";

/** How many clients there are, and how many PINGs each gets. */
export const CLIENTS = 3;
export const PINGS = 4;

/** The types of golang-ipc's example. */
export const PING = 1;
export const PONG = 5;
