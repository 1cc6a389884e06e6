// Another process for the tests: obeys `ask` of scratch.ts. Arguments: the package's entry point, the directory of the sockets.
import { once } from "node:events";
import { unlinkSync } from "node:fs";
import { createServer } from "node:net";

const [, , emitted, directory] = process.argv;
const { unixSocket } = await import(emitted);
const { ensureKeyFile, readKeyFile, resolveKeyFile } = await import(new URL("key-file/key-file.js", emitted).href);
const door = { kind: "name" };

let listener;
let squatter;
const streams = new Set();

const keyFileOf = (name) => resolveKeyFile(name, true, { runtime: directory, temporary: directory });

function accept(stream) {
  streams.add(stream);
  stream.once("close", () => streams.delete(stream));
  stream.pipe(stream);
}

const orders = {
  async listen({ name, options = {} }) {
    listener = await unixSocket({ directory, ...options }).listen(name, door, accept, {});
    return "listening";
  },
  async squat({ path }) {
    squatter = createServer().listen(path);
    await once(squatter, "listening");
    unlinkSync(path);
    return "squatting";
  },
  async close() {
    await listener?.close();
    listener = undefined;
    return "closed";
  },
  /** Answers nothing: the process ends without a close, because nothing keeps it awake. */
  async leave() {
    listener.unref();
    process.disconnect();
    await new Promise(() => {});
  },
  /** Answers nothing, either. */
  async exit() {
    process.exit();
  },
  async dial({ name, options = {} }) {
    const stream = await unixSocket({ directory, ...options }).dial(name, door, {});
    stream.destroy();
    return "connected";
  },
  async hangUp() {
    const closes = [...streams].map((stream) => new Promise((resolve) => stream.once("close", resolve)));
    for (const stream of streams) stream.destroy();
    await Promise.all(closes);
    return "hung up";
  },
  async ensureKey({ name }) {
    return Buffer.from(ensureKeyFile(keyFileOf(name))).toString("hex");
  },
  async ensureKeys({ prefix }) {
    for (let number = 0; ; number++) ensureKeyFile(keyFileOf(`${prefix}${number}`));
  },
  async readKey({ path }) {
    return Buffer.from(readKeyFile(resolveKeyFile("orders", path))).toString("hex");
  },
};

process.on("message", async ({ order, ...rest }) => {
  try {
    process.send(await orders[order](rest));
  } catch (error) {
    process.send({ code: error.code, message: error.message });
  }
});
process.send("ready");
