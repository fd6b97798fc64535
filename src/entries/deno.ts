import process from "node:process";
import { main } from "../cli/main.ts";
import { deno } from "../runtimes/deno.ts";

// Exits even where something would keep the process alive: what matters was waited for.
process.exit(await main(process.argv.slice(2), deno));
