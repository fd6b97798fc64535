/**
 * Passes a body on unchanged and tells once how it ended: whether it came to its end, rather than broke or was given up, and after how many
 * bytes.
 */
export function followBody(
  body: ReadableStream<Uint8Array>,
  ended: (complete: boolean, bytes: number) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          ended(true, bytes);
          controller.close();
          return;
        }
        bytes += value.byteLength;
        controller.enqueue(value);
      } catch (error) {
        ended(false, bytes);
        controller.error(error);
      }
    },
    async cancel(reason) {
      ended(false, bytes);
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
