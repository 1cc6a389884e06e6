import { converse } from "./conversation";

void converse(`ipc-tools-${process.pid}`).then(console.log);
