// A program whose whole life is one question over a bare socket. Argument: the path of the server's socket.
import { connect } from "node:net";

const socket = connect(process.argv[2] ?? "");
socket.write("hello");
socket.once("data", (answer) => {
  console.log(String(answer));
  socket.end();
});
