import type { Command } from "./command.ts";
import { RESOURCE_COMMANDS } from "./resource-commands.ts";
import { CONFIG } from "./run-settings.ts";
import { CONTROL_URL, SETTINGS } from "./settings.ts";

/** Every command, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  {
    name: "run",
    summary: "Run the gateway",
    usage: "[flags]",
    description:
      "Serves requests by the routes in etcd, or in a file of resources, and follows every change of them.\n\nEvery flag is also a variable (--etcd-user is GATEWATCH_ETCD_USER) and a key of the settings file (etcd-user); a flag goes before a variable, and a variable before the file. Durations are written 500ms, 30s, 5m, 1h; sizes 512B, 64KiB, 10MB, 1GiB.\n\nSIGTERM or SIGINT: stops accepting, lets requests in flight finish, exits with 0. A second one: exits with 130 at once.",
    examples: [
      "gatewatch run --etcd http://127.0.0.1:2379 --prefix /gatewatch --listen 127.0.0.1:9080",
      "gatewatch run --resources routes.yaml",
    ],
    settings: { ...CONFIG, ...SETTINGS },
    switches: { "no-register": "Keep no record of this instance in etcd" },
    load: async () => (await import("./run.ts")).run,
  },
  {
    name: "health",
    summary: "Tell whether a gateway on this machine is ready, for a container's health check",
    usage: "[--control URL]",
    description:
      "Asks GET /ready of the control API. Exits with 0 where the gateway is ready, with 1 and the reason where it is not or does not answer. Where what it serves may be out of date, it is ready, and the reason is printed.",
    examples: ["gatewatch health --control 127.0.0.1:9090"],
    settings: { ...CONFIG, control: CONTROL_URL },
    load: async () => (await import("./health.ts")).health,
  },
  {
    name: "accept",
    summary: "Let deletes of many routes go that the gateway holds back",
    usage: "--revision N [--control URL]",
    description:
      "A revision of etcd that removes more than half of at least 20 routes is held back (--hold-deletes of gatewatch run); GET /status of the control API tells which. This serves it at once. Exits with 0 where it is served, with 1 where that revision is not the one that is held.",
    examples: ["gatewatch accept --revision 1234 --control 127.0.0.1:9090"],
    settings: { ...CONFIG, control: CONTROL_URL },
    options: { revision: { value: "N", help: "The revision that is held" } },
    load: async () => (await import("./accept.ts")).accept,
  },
  {
    name: "explain",
    summary: "Tell why a request would go where it goes",
    usage: "METHOD URL [-H 'NAME: VALUE'] [--from ADDRESS] [--control URL | --resources FILE | --etcd URL]",
    description:
      "Tells each route that was looked at and what it lacked, the one that takes the request and why, its plugins in their order, and the node that would be picked. Nothing is sent. A path without a host is asked of the host localhost, unless -H names one; what no request line can hold is percent-encoded.\n\nAsks the gateway that runs; with --resources or --etcd, reads these instead and needs none. Exits with 0 where an upstream would answer, with 1 where the gateway itself would.",
    examples: [
      "gatewatch explain GET http://example.com/api/users -H 'X-Version: 2' --from 10.0.0.7",
      "gatewatch explain POST /api --resources routes.yaml --json",
    ],
    settings: { ...CONFIG, ...SETTINGS, control: CONTROL_URL },
    shown: ["control", "resources", "etcd", "prefix", "router", "trustedProxies"],
    options: {
      header: {
        value: "'NAME: VALUE'",
        help: "A header field of the request; may be given several times",
        letter: "H",
      },
      from: { value: "ADDRESS", help: "The client's address; default: 127.0.0.1" },
      url: { value: "URL", help: "The same as --control" },
      data: { value: "BODY", help: "The request's body, for routes that look into it", letter: "d" },
    },
    switches: { json: "Print JSON instead of text" },
    positionals: ["METHOD", "URL"],
    load: async () => (await import("./explain.ts")).explain,
  },
  {
    name: "schema",
    summary: "Print the JSON Schema of what may be stored",
    usage: "[KIND] [--strict]",
    description:
      "Prints the JSON Schema (draft 7) of a kind of resource (route, upstream, service, ...) as it is stored, or of all kinds in one object.",
    examples: ["gatewatch schema route > route.schema.json"],
    settings: {},
    switches: {
      strict: "Refuse fields that the gateway does not know, as its Admin API does; stored values may have them",
    },
    positionals: ["KIND"],
    load: async () => (await import("./schema.ts")).schema,
  },
  ...RESOURCE_COMMANDS,
];
