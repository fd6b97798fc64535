import { type CommandInput, EXIT } from "./command.ts";
import { askControl } from "./control-client.ts";
import { loadControlUrl } from "./control-url.ts";

/** `gatewatch health`: 0 where the gateway is ready, also where what it serves may be out of date; 1 with the reason where it is not. */
export async function health(input: CommandInput): Promise<number> {
  const url = `${await loadControlUrl(input)}/ready`;
  try {
    const { status, body } = await askControl(url);
    if (status === 200) {
      console.log(readyLine(body));
      return EXIT.done;
    }
    console.error(`Not ready: ${url} answered ${status}: ${body.slice(0, 1000).trim()}`);
  } catch (error) {
    console.error(`Not ready: ${url} does not answer: ${(error as Error).message}`);
  }
  return EXIT.failed;
}

function readyLine(body: string): string {
  let fields: { readonly degraded?: unknown; readonly reason?: unknown } = {};
  try {
    fields = JSON.parse(body) as typeof fields;
  } catch {
    // The status says that it is ready.
  }
  if (fields.degraded !== true) return "ready";
  return typeof fields.reason === "string" ? `ready, degraded: ${fields.reason}` : "ready, degraded";
}
