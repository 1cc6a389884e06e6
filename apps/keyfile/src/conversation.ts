/** The agreement between server and client of this example. */
export const NAME = "example_keyfile";

export const QUESTION = 1;
export const ANSWER = 2;
