import process from "node:process";
import { main } from "../cli/main.ts";
import { bun } from "../runtimes/bun.ts";

// Exits even where something would keep the process alive: what matters was waited for.
process.exit(await main(process.argv.slice(2), bun));
