import { memorySource } from "../../src/sources/memory.ts";
import { writableContract } from "./writable.ts";

writableContract("memory", {
  open: () => Promise.resolve(memorySource()),
  close: () => Promise.resolve(),
  ttl: true,
  history: false,
});
