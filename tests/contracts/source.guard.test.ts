import { guardSource } from "../../src/sources/guard.ts";
import { memoryContract } from "./source.memory.ts";

memoryContract("memory behind a guard", (source) => guardSource(source));
