import { createServer } from 'node:net';

/** Neighbours of a preferred port that are tried before any free one. */
const neighbours = 50;

/**
 * A free TCP port: the preferred one, else the next free above it, else any.
 * @param preferred 0 for any
 * @param taken ports already given away but not yet listened on
 */
export async function findPort(ip: string, preferred: number, taken: readonly number[] = []): Promise<number> {
  const candidates = preferred === 0 ? [] : Array.from({ length: neighbours }, (_, step) => preferred + step);
  for (const port of candidates)
    if (port <= 65_535 && !taken.includes(port) && (await listenOnce(ip, port)) !== null) return port;
  for (;;) {
    const port = await listenOnce(ip, 0);
    if (port !== null && !taken.includes(port)) return port;
  }
}

function listenOnce(ip: string, port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    server.listen({ host: ip, port, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : null;
      server.close(() => {
        resolve(found);
      });
    });
  });
}
