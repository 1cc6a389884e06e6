// The same with ws. Argument: the path of the server's socket.
import { WebSocket } from "ws";

const socket = new WebSocket(`ws+unix:${process.argv[2]}`);
socket.once("open", () => socket.send("hello"));
socket.once("message", (answer) => {
  console.log(String(answer));
  socket.close();
});
