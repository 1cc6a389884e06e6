import { converse } from "./conversation.mjs";

converse(`ipc-tools-${process.pid}`).then(console.log);
