import type { Socket } from "node:net";

type Done = (error?: Error | null) => void;

/**
 * Keeps a write that fails from destroying the socket. A node that answers without reading the whole request and closes makes writes fail while its answer still
 * waits to be read, and `node:net` throws that away together with the socket.
 *
 * @param failed Called once, with the first write's error. Nothing is written from then on; reading goes on to its own end.
 * @returns Gives the socket back as it was.
 */
export function guardWrites(socket: Socket, failed: (error: Error) => void): () => void {
  let state: "writing" | "failed" | "released" = "writing";
  const guarded = (done: Done): Done => (error) => {
    if (!error || state === "released" || socket.destroyed) return done(error);
    if (state === "writing") {
      state = "failed";
      failed(error);
    }
    done();
  };
  // Streams look these up for each write; they are what a stream is meant to override.
  const { _write: write, _writev: writev } = socket;
  socket._write = (chunk, encoding, done) => {
    if (state === "failed") return done();
    write.call(socket, chunk, encoding, guarded(done));
  };
  if (writev) {
    socket._writev = (chunks, done) => {
      if (state === "failed") return done();
      writev.call(socket, chunks, guarded(done));
    };
  }
  return () => {
    state = "released";
    socket._write = write;
    if (writev) socket._writev = writev;
  };
}
