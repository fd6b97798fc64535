/** A request's body that can be sent again, as long as what was read of it fits into a bounded buffer. */
export interface ReplayableBody {
  /** The body from its first byte, for one more attempt. At the most one stream is in use at a time: call {@link ReplayableBody.stop} before the next. */
  stream(): ReadableStream<Uint8Array>;
  /** Whether every byte that was read is still at hand. */
  replayable(): boolean;
  /** Ends the stream in use without ending the source, so that another attempt can go on from there. */
  stop(): void;
}

/**
 * Records the first `limit` bytes of a body as they pass, so that an attempt that failed early can be made again without the whole
 * body being held in memory. Once more than that has passed, the record is dropped and the body can no longer be replayed.
 *
 * @param limit Bytes.
 */
export function replayable(source: ReadableStream<Uint8Array>, limit: number): ReplayableBody {
  const reader = source.getReader();
  let record: Uint8Array[] | undefined = [];
  let recorded = 0;
  let ended = false;
  let generation = 0;
  /** A read that a stopped stream had begun: its bytes belong to the next one. */
  let pending: ReturnType<typeof reader.read> | undefined;

  const read = async (): Promise<Uint8Array | undefined> => {
    const mine = pending ??= reader.read();
    const { done, value } = await mine;
    if (pending === mine) {
      pending = undefined;
      if (done) ended = true;
      else if (record !== undefined) {
        recorded += value.byteLength;
        if (recorded > limit) record = undefined;
        else record.push(value);
      }
    }
    return done ? undefined : value;
  };

  return {
    stream() {
      const own = ++generation;
      let next = 0;
      return new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (record !== undefined && next < record.length) {
            controller.enqueue(record[next++]!);
            return;
          }
          if (ended) {
            controller.close();
            return;
          }
          const chunk = await read();
          if (own !== generation) return;
          if (chunk === undefined) controller.close();
          else {
            next++;
            controller.enqueue(chunk);
          }
        },
        cancel(reason) {
          if (own === generation && record === undefined) return reader.cancel(reason);
        },
      }, { highWaterMark: 0 });
    },
    replayable: () => record !== undefined,
    stop() {
      generation++;
    },
  };
}
