// Two workers of a cluster start a server of the same name, one after the other; prints what became of each.
import cluster from "node:cluster";
import { startServer } from "@ipc/server";

if (cluster.isPrimary) {
  const said = [];
  cluster.on("message", (_worker, word) => {
    said.push(word);
    if (said.length === 1) {
      cluster.fork();
      return;
    }
    console.log(JSON.stringify(said));
    process.exit();
  });
  cluster.fork();
} else {
  await startServer({ name: "orders", directory: process.env.XDG_RUNTIME_DIR }).then(
    () => process.send?.("up"),
    (error) => process.send?.(`${error.code} ${error.message}`),
  );
}
