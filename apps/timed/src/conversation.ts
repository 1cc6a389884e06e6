/** The agreement between server and client of this example. */
export const NAME = "example_timed";

/** The types of golang-ipc's example. */
export const PING = 1;
export const PONG = 5;
