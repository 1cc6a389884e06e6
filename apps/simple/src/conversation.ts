/** The agreement between server and client of this example. */
export const NAME = "example_simple";

/** The types of golang-ipc's example. */
export const PING = 1;
export const PONG = 5;

/** Echoed without a word: for measuring. */
export const ECHO = 9;
