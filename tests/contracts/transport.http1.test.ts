// waits
import { http1Transport } from "../../src/runtimes/transports/http1.ts";
import { transportContract } from "./transport.ts";

transportContract("http1", () => Promise.resolve(http1Transport()), []);
