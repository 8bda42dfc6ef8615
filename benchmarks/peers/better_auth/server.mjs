// WORKERS processes on one port.
import cluster from "node:cluster";
import { createServer } from "node:http";

if (cluster.isPrimary) {
  const count = Number(process.env.WORKERS ?? 2);
  for (let number = 0; number < count; number += 1) cluster.fork();
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill("SIGTERM");
    process.exit(0);
  });
} else {
  const { toNodeHandler } = await import("better-auth/node");
  const { auth, port } = await import("./auth.mjs");
  const server = createServer(toNodeHandler(auth));
  server.keepAliveTimeout = 75_000;
  server.listen(port, "127.0.0.1");
}
