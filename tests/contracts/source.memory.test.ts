import { memoryContract } from "./source.memory.ts";

memoryContract("memory");
