#!/usr/bin/env node
import process from "node:process";
import { main } from "../cli/main.ts";
import { node } from "../runtimes/node.ts";

// Exits even where something would keep the process alive: what matters was waited for.
process.exit(await main(process.argv.slice(2), node));
