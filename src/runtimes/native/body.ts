import { GatewayError } from "../../errors.ts";
import { Deadline } from "../../net/deadline.ts";

/**
 * A request's body with the bounds that the runtime's own server does not keep. It errors with a {@link GatewayError}: `body_too_large`,
 * `bad_request` (408) when the client stalls, `client_gone`.
 *
 * @param limit Bytes; 0 = none.
 * @param timeout Milliseconds between two reads; 0 = none.
 */
export function boundedBody(
  body: ReadableStream<Uint8Array>,
  limit: number,
  timeout: number,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  let fail!: (error: GatewayError) => void;
  const stalled = new Promise<never>((_, reject) => fail = reject);
  stalled.catch(() => {});
  const deadline = new Deadline(() => {
    fail(new GatewayError("bad_request", 408, `Read of the request's body: nothing received for ${timeout} ms`));
  });
  const giveUp = (error: GatewayError, controller: ReadableStreamDefaultController<Uint8Array>): void => {
    deadline.dispose();
    reader.cancel(error).catch(() => {});
    controller.error(error);
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      deadline.set(timeout);
      try {
        const { done, value } = await Promise.race([reader.read(), stalled]);
        deadline.clear();
        if (done) {
          deadline.dispose();
          return controller.close();
        }
        bytes += value.byteLength;
        if (limit > 0 && bytes > limit) {
          return giveUp(
            new GatewayError("body_too_large", 413, `Request body of more than ${limit} bytes`),
            controller,
          );
        }
        controller.enqueue(value);
      } catch (cause) {
        const error = cause instanceof GatewayError
          ? cause
          : new GatewayError("client_gone", 499, "The client ended the connection within its request", { cause });
        giveUp(error, controller);
      }
    },
    cancel(reason) {
      deadline.dispose();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
