import { type CommandInput, EXIT } from "./command.ts";
import { askControl } from "./control-client.ts";
import { loadControlUrl } from "./control-url.ts";

/** `gatewatch health`: 0 where the gateway is ready, 1 with the reason where it is not. */
export async function health(input: CommandInput): Promise<number> {
  const url = `${await loadControlUrl(input)}/ready`;
  try {
    const { status, body } = await askControl(url);
    if (status === 200) {
      console.log("ready");
      return EXIT.done;
    }
    console.error(`Not ready: ${url} answered ${status}: ${body.slice(0, 1000).trim()}`);
  } catch (error) {
    console.error(`Not ready: ${url} does not answer: ${(error as Error).message}`);
  }
  return EXIT.failed;
}
