const { converse } = require("./conversation.cjs");

converse(`ipc-tools-${process.pid}`).then(console.log);
