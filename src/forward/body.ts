/**
 * Passes a body on unchanged and tells once how it ended: `true` at its end, `false` where it broke or its reader gave up.
 */
export function followBody(body: ReadableStream<Uint8Array>, ended: (ok: boolean) => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          ended(true);
          controller.close();
        } else controller.enqueue(value);
      } catch (error) {
        ended(false);
        controller.error(error);
      }
    },
    async cancel(reason) {
      ended(false);
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
