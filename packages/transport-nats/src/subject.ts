import { randomBytes } from "node:crypto";

const PREFIX = "ipc.v1";
/** 128 bits, which another user of the broker cannot guess. */
const ID_BYTES = 16;
const ID = /^[A-Za-z0-9_-]{22}$/;
/** A token between two dots of a subject, which is no wildcard. */
export const TOKEN: RegExp = /^[A-Za-z0-9_-]{1,64}$/;
/** The servers of a name are one queue group: the broker gives each request to one of them. */
export const QUEUE_GROUP = "ipc";

/** The two subjects of a connection. */
export interface ConnectionSubjects {
  readonly toServer: string;
  readonly toClient: string;
}

/** Returns the subject at which any server of a name, or the one of this instance, takes requests to connect. */
export function acceptSubject(name: string, instance = "any"): string {
  return `${PREFIX}.${token(name)}.accept.${instance}`;
}

/** Makes the subjects of a new connection; the broker's permissions may bind `user` to one user of the broker. */
export function createSubjects(name: string, user: string): ConnectionSubjects {
  return subjectsOf(name, user, randomBytes(ID_BYTES).toString("base64url"));
}

/** Returns the subjects of the connection that a client asks for, from where it expects the answer; undefined for another subject. */
export function parseReply(name: string, reply: string | undefined): ConnectionSubjects | undefined {
  const head = `${PREFIX}.${token(name)}.c.`;
  if (reply === undefined || !reply.startsWith(head)) return undefined;
  const [user, id, direction, ...rest] = reply.slice(head.length).split(".");
  if (user === undefined || id === undefined || direction !== "c" || rest.length > 0) return undefined;
  return TOKEN.test(user) && ID.test(id) ? subjectsOf(name, user, id) : undefined;
}

function subjectsOf(name: string, user: string, id: string): ConnectionSubjects {
  const head = `${PREFIX}.${token(name)}.c.${user}.${id}`;
  return { toServer: `${head}.s`, toClient: `${head}.c` };
}

/** A dot separates the tokens of a subject; a tilde is in no name. */
function token(name: string): string {
  return name.replaceAll(".", "~");
}
