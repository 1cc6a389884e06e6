import { afterAll, beforeAll } from "vitest";
import { NatsServer } from "../../../internal/conformance/src/nats-server.js";
import { type Losable, testListenerLoss, testTransport } from "../../../internal/testkit/src/transport-compliance.js";
import { connectTo, describeWithBroker } from "../test/with-broker.js";
import { nats } from "./nats.js";

const NAME = { kind: "name" } as const;

describeWithBroker("over a broker, the transport", (natsServer) => {
  let broker: NatsServer;
  let opened = 0;
  beforeAll(async () => {
    broker = await NatsServer.start(natsServer);
  });
  afterAll(() => broker[Symbol.asyncDispose]());

  async function open(): Promise<Losable> {
    // Servers of one name share the clients.
    const name = `orders-${++opened}`;
    const connection = await connectTo(broker.url);
    const [near, far] = [nats(await connectTo(broker.url)), nats(connection)];
    return {
      listen: (onStream, options) => far.listen(name, NAME, onStream, options),
      dial: (options) => near.dial(name, NAME, options),
      listenAt: (other) => far.listen(other, NAME, () => {}, {}),
      dialAt: (other) => near.dial(other, NAME, {}),
      loseListener: () => connection.close(),
    };
  }

  testTransport(open);
  testListenerLoss(open);
});
