import { type Fence, isForUsers, listDocuments, readDocument } from "./document.js";

/** The language of a snippet, and the ending that makes it a module. */
const MODULES = new Map([
  ["js", ".mjs"],
  ["mjs", ".mjs"],
  ["ts", ".mts"],
]);

/**
 * A piece of code that a reader may copy. The words behind the language of its fence say what becomes of it:
 *
 * - none: it compiles;
 * - `run`: it also runs, by itself, and ends without an error;
 * - `server.mjs`, then `client.mjs`: two processes, which run together until the client has ended.
 *
 * A fence `text prints` below says what it, or the client, prints.
 */
export interface Snippet {
  readonly fence: Fence;
  /** `README-45.mjs`: unique. */
  readonly file: string;
  readonly role: "compile" | "run" | "server" | "client";
  readonly prints: string | undefined;
}

/** Lists the snippets of all documents for users, in order. */
export function listSnippets(): Snippet[] {
  return listDocuments()
    .filter(isForUsers)
    .flatMap((path) => {
      const { fences } = readDocument(path);
      return fences.flatMap((fence, index) => toSnippet(fence, fences[index + 1]));
    });
}

/** The client that runs with a server: the next snippet. */
export function clientOf(server: Snippet, snippets: readonly Snippet[]): Snippet {
  const client = snippets[snippets.indexOf(server) + 1];
  if (client?.role !== "client") throw new Error(`${titleOf(server.fence)}: no client.mjs follows this server.mjs`);
  return client;
}

export function titleOf({ document, line }: Fence): string {
  return `${document}:${line}`;
}

/** Returns what the fence `next` says that the code before it prints. */
export function printsOf(next: Fence | undefined): string | undefined {
  return next?.words.join(" ") === "text prints" ? next.code : undefined;
}

function toSnippet(fence: Fence, next: Fence | undefined): Snippet[] {
  const [language = "", ...rest] = fence.words;
  const ending = MODULES.get(language);
  if (ending === undefined) return [];
  const file = `${fence.document.replace(/\.md$/, "").replaceAll("/", "-")}-${fence.line}${ending}`;
  return [{ fence, file, role: roleOf(fence, rest.join(" ")), prints: printsOf(next) }];
}

function roleOf(fence: Fence, words: string): Snippet["role"] {
  switch (words) {
    case "":
      return "compile";
    case "run":
      return "run";
    case "server.mjs":
      return "server";
    case "client.mjs":
      return "client";
    default:
      throw new Error(`${titleOf(fence)}: unknown snippet mark "${words}"`);
  }
}
