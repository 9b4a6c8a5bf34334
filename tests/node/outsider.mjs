// An OpenClaw process as the schema document shows it: subscribes by pattern, prints what it hears as JSON lines,
// and publishes each line that it reads on its standard input, "CHANNEL JSON".
// node outsider.mjs SOCKET_OR_PORT [USERNAME PASSWORD]

import readline from "node:readline";
import Redis from "ioredis";

const [, , address, username, password] = process.argv;
const connect = () => new Redis(address, { username, password, lazyConnect: true });
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const ears = connect();
const mouth = connect();
await Promise.all([ears.connect(), mouth.connect()]);
ears.on("pmessage", (pattern, channel, payload) => say({ pattern, channel, payload: JSON.parse(payload) }));
ears.on("message", (channel, payload) => say({ channel, payload: JSON.parse(payload) }));
await ears.psubscribe("pubsub:channel:*");
await ears.subscribe("pubsub:global");
say({ ready: true });

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [channel, ...rest] = line.split(" ");
  say({ published: channel, receivers: await mouth.publish(channel, rest.join(" ")) });
}
ears.disconnect();
mouth.disconnect();
