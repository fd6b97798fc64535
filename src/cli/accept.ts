import { type CommandInput, EXIT } from "./command.ts";
import { askControl } from "./control-client.ts";
import { loadControlUrl } from "./control-url.ts";
import { UsageError } from "./usage-error.ts";

/** `gatewatch accept`: 0 where held deletes are served now, 1 with the reason where nothing was let go. */
export async function accept(input: CommandInput): Promise<number> {
  const given = input.flags.values.get("revision") ?? [];
  const [revision = ""] = given;
  if (given.length !== 1 || !/^\d{1,15}$/.test(revision)) {
    throw new UsageError(["Cannot accept without a revision: write --revision N, as GET /status tells it"]);
  }
  const url = `${await loadControlUrl(input)}/accept?revision=${revision}`;
  try {
    const { status, body } = await askControl(url, {});
    if (status === 200) {
      console.log(`Accepted revision ${revision}`);
      return EXIT.done;
    }
    console.error(`Not accepted: ${url} answered ${status}: ${body.slice(0, 1000).trim()}`);
  } catch (error) {
    console.error(`Not accepted: ${url} does not answer: ${(error as Error).message}`);
  }
  return EXIT.failed;
}
