import type { Command, CommandOption } from "./command.ts";
import { URL_OPTION } from "./resources/fleet.ts";
import { ETCD_SETTINGS, SHOWN_ETCD, SHOWN_TARGET, TARGET_SETTINGS } from "./resources/target-settings.ts";

const JSON_OUTPUT = "Print JSON instead of text";
const SHOW_SECRETS = "Print secrets as they are stored, instead of <redacted>";

const OWNER: CommandOption = {
  value: "NAME",
  help: "Who manages what is applied: the label managed-by; default: gatewatch",
};
const ROUTER: CommandOption = {
  value: "NAME",
  help: "Which router the routes are for, as in gatewatch run; default: radixtree_host_uri",
};
const GUARD: CommandOption = {
  value: "REVISION",
  help: "Only where this revision was the last to write it, as get prints it; 0: only where it is not there",
};

/** Commands that check, compare, read and write resources, in the order of the help text. */
export const RESOURCE_COMMANDS: readonly Command[] = [
  {
    name: "validate",
    summary: "Check files of resources; nothing is written",
    usage: "FILE... [--deny-warnings] [--json]",
    description:
      "Reads resources files (YAML or JSON; - is standard input) as one configuration and prints every issue with its file, line, column and path: what a gateway would reject, unknown fields, references to what is in no file. Routes that another one keeps from ever being taken are warnings.\n\nExits with 0 where there is no error, with 1 where there is one.",
    examples: ["gatewatch validate routes.yaml upstreams.yaml", "gatewatch validate --json - < routes.yaml"],
    settings: {},
    options: { router: ROUTER },
    switches: { "deny-warnings": "Exit with 1 where there is a warning, too", json: JSON_OUTPUT },
    positionals: ["FILE..."],
    load: async () => (await import("./validate.ts")).validate,
  },
  {
    name: "diff",
    summary: "Show what apply would create, change and delete",
    usage: "FILE (--etcd URL | --admin-url URL) [--owner NAME] [--json]",
    description:
      "Compares a resources file with what is stored, field by field. Secrets are told as (secret). What apply would delete is what it manages and the file does not have; it does so only with --prune.\n\nExits with 0 where nothing differs, with 1 where something does.",
    examples: ["gatewatch diff routes.yaml --etcd http://127.0.0.1:2379", "gatewatch diff routes.yaml --json"],
    settings: TARGET_SETTINGS,
    shown: SHOWN_TARGET,
    options: { owner: OWNER, router: ROUTER },
    switches: {
      "take-over": "Compare with what another owner manages, too, instead of refusing it",
      json: JSON_OUTPUT,
    },
    positionals: ["FILE"],
    load: async () => (await import("./diff.ts")).diff,
  },
  {
    name: "apply",
    summary: "Make etcd hold what a file of resources asks for",
    usage: "FILE (--etcd URL | --admin-url URL) [--prune] [--dry-run] [--yes] [--owner NAME] [--json]",
    description:
      "Writes what differs, in as few transactions as etcd allows, what is referred to before what refers to it. Each transaction is guarded: what somebody else wrote meanwhile is looked at again. A run that was cut short is finished by the same command.\n\nWhat is applied gets the label managed-by. --prune deletes what has that label and is not in the file any more, and nothing else; kinds without labels (global rules, plugin metadata, secrets) are never deleted. More than half of it is deleted only with --yes.",
    examples: [
      "gatewatch apply routes.yaml --etcd http://127.0.0.1:2379 --prune",
      "gatewatch apply team-a.yaml --owner team-a --dry-run",
    ],
    settings: TARGET_SETTINGS,
    shown: SHOWN_TARGET,
    options: {
      owner: OWNER,
      router: ROUTER,
      "max-txn-ops": {
        value: "N",
        help: "Operations of a transaction, as etcd was started with; default: 128, as etcd's",
      },
    },
    switches: {
      prune: "Delete what it manages and the file does not have",
      "dry-run": "Show what would be done, and write nothing",
      yes: "Delete more than half of what it manages, too",
      "take-over": "Change what another owner manages, too, and manage it from then on",
      json: JSON_OUTPUT,
    },
    positionals: ["FILE"],
    load: async () => (await import("./apply.ts")).apply,
  },
  {
    name: "dump",
    summary: "Print what is stored as a file of resources",
    usage: "[-o FILE] (--etcd URL | --admin-url URL) [--show-secrets] [--json]",
    description:
      "Prints the file from which apply makes the same configuration. Secrets are written as <redacted>, which apply reads as: keep what is stored. What no such file can hold is told on standard error.",
    examples: [
      "gatewatch dump --etcd http://127.0.0.1:2379 -o resources.yaml",
      "gatewatch dump --show-secrets --json > backup.json",
    ],
    settings: TARGET_SETTINGS,
    shown: SHOWN_TARGET,
    options: {
      output: { value: "FILE", help: "Write to this file instead of standard output", letter: "o" },
      owner: { value: "NAME", help: "Whose label managed-by is left out, since apply writes it; default: gatewatch" },
    },
    switches: { "show-secrets": SHOW_SECRETS, json: "Print JSON instead of YAML" },
    load: async () => (await import("./dump.ts")).dump,
  },
  {
    name: "get",
    summary: "Print one resource, or the ids of a kind",
    usage: "KIND [ID] (--etcd URL | --admin-url URL) [--revision N] [--show-secrets] [--json]",
    description:
      "Prints a resource as YAML, behind a comment with the revision that wrote it; without an id, the ids of all resources of the kind. The id is that of the key: a credential's is USER/credentials/NAME, a secret's MANAGER/NAME.",
    examples: ["gatewatch get route 1 --etcd http://127.0.0.1:2379", "gatewatch get routes"],
    settings: TARGET_SETTINGS,
    shown: SHOWN_TARGET,
    options: { revision: { value: "N", help: "As it was at this revision of etcd" } },
    switches: { "show-secrets": SHOW_SECRETS, json: "Print JSON: key, revisions, value" },
    positionals: ["KIND", "ID"],
    load: async () => (await import("./get.ts")).get,
  },
  {
    name: "put",
    summary: "Write one resource, from standard input or a file",
    usage: "KIND ID (--etcd URL | --admin-url URL) [-f FILE] [--revision N] [--json]",
    description:
      "Writes a resource (YAML or JSON) in place of the stored one. It is refused where a gateway would not serve it, where it refers to what is not there, and where somebody else writes the resource meanwhile. <redacted> keeps the stored secret.",
    examples: [
      'echo \'{"uri":"/a","upstream_id":"1"}\' | gatewatch put route 1 --etcd http://127.0.0.1:2379',
      "gatewatch put upstream 1 -f upstream.yaml --revision 42",
    ],
    settings: TARGET_SETTINGS,
    shown: SHOWN_TARGET,
    options: {
      file: { value: "FILE", help: "Read the value from this file instead of standard input", letter: "f" },
      revision: GUARD,
    },
    switches: { json: JSON_OUTPUT },
    positionals: ["KIND", "ID"],
    load: async () => (await import("./put.ts")).put,
  },
  {
    name: "delete",
    summary: "Delete one resource",
    usage: "KIND ID (--etcd URL | --admin-url URL) [--revision N] [--force] [--json]",
    description:
      "Deletes a resource, unless others refer to it or somebody else writes it meanwhile. Exits with 1 where there is none.",
    examples: ["gatewatch delete route 1 --etcd http://127.0.0.1:2379"],
    settings: TARGET_SETTINGS,
    shown: SHOWN_TARGET,
    options: { revision: GUARD },
    switches: { force: "Delete it also where others refer to it", json: JSON_OUTPUT },
    positionals: ["KIND", "ID"],
    load: async () => (await import("./delete.ts")).deleteOne,
  },
  {
    name: "history",
    summary: "Show what a resource was, from etcd's own history",
    usage: "KIND ID --etcd URL [--limit N] [--json]",
    description:
      "Prints the revisions that wrote a resource, newest first, with what each changed, as far as etcd has not compacted them. Of a resource that was deleted and made again several times, a life may be missing.",
    examples: ["gatewatch history route 1 --etcd http://127.0.0.1:2379"],
    settings: ETCD_SETTINGS,
    shown: SHOWN_ETCD,
    options: { limit: { value: "N", help: "At most so many versions; default: 20" } },
    switches: { json: JSON_OUTPUT },
    positionals: ["KIND", "ID"],
    load: async () => (await import("./history.ts")).history,
  },
  {
    name: "rollback",
    summary: "Write a resource again as it was at a revision",
    usage: "KIND ID --to REVISION --etcd URL [--json]",
    description:
      "Reads what a resource was at a revision of etcd and writes that again, unless somebody else writes it meanwhile. A deleted resource comes back.",
    examples: ["gatewatch rollback route 1 --to 42 --etcd http://127.0.0.1:2379"],
    settings: ETCD_SETTINGS,
    shown: SHOWN_ETCD,
    options: { to: { value: "REVISION", help: "The revision, as history prints it" } },
    switches: { json: JSON_OUTPUT },
    positionals: ["KIND", "ID"],
    load: async () => (await import("./rollback.ts")).rollback,
  },
  {
    name: "status",
    summary: "Show every instance and the revision that it serves",
    usage: "(--etcd URL | --url URL...) [--watch] [--json]",
    description:
      "Lists the instances that registered themselves under the prefix: version, runtime, the revision that each serves, how many revisions that is behind the last change, and how many keys it does not serve as they are stored. With --url, asks these control APIs instead, and tells why what one serves may be out of date (degraded).\n\nExits with 1 where there is no instance, or one does not answer.",
    examples: [
      "gatewatch status --etcd http://127.0.0.1:2379 --watch",
      "gatewatch status --url 127.0.0.1:9090 --url 127.0.0.1:9190",
    ],
    settings: ETCD_SETTINGS,
    shown: SHOWN_ETCD,
    options: { url: URL_OPTION, interval: { value: "DURATION", help: "With --watch, between two looks; default: 1s" } },
    switches: { watch: "Show it again and again", json: JSON_OUTPUT },
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "wait",
    summary: "Wait until every instance serves a revision",
    usage: "--revision N (--etcd URL | --url URL...) [--timeout DURATION] [--json]",
    description:
      "Waits until every instance that registered under the prefix (or each one that --url names) serves a revision, as apply and put print it. Exits with 1 where that takes longer than --timeout, and tells which ones are behind.",
    examples: [
      "gatewatch wait --revision 42 --etcd http://127.0.0.1:2379",
      "gatewatch wait --revision 42 --url 127.0.0.1:9090",
    ],
    settings: ETCD_SETTINGS,
    shown: SHOWN_ETCD,
    options: {
      revision: { value: "N", help: "The revision" },
      url: URL_OPTION,
      timeout: { value: "DURATION", help: "How long to wait; default: 30s" },
    },
    switches: { json: JSON_OUTPUT },
    load: async () => (await import("./wait.ts")).wait,
  },
  {
    name: "import",
    summary: "Turn an APISIX, OpenAPI or Traefik file into resources",
    usage: "apisix|openapi|traefik FILE [--upstream URL] [--json]",
    description:
      "Prints resources in the layout that validate, diff and apply read: from an APISIX standalone or ADC file, from an OpenAPI 3 document (a route for each path), or from Traefik's dynamic file (routers, services, middlewares). What has no counterpart is told on standard error, a line each; nothing is left out silently.",
    examples: [
      "gatewatch import openapi petstore.yaml > petstore-routes.yaml",
      "gatewatch import traefik dynamic.yaml | gatewatch validate -",
    ],
    settings: {},
    options: {
      upstream: { value: "URL", help: "For openapi: where requests go, instead of the document's first server" },
    },
    switches: { json: "Print JSON instead of YAML" },
    positionals: ["FORMAT", "FILE"],
    load: async () => (await import("./import.ts")).importFile,
  },
  {
    name: "completion",
    summary: "Print a completion script for a shell",
    usage: "bash|zsh|fish",
    description:
      "Prints a script that completes commands, flags, kinds and files, made from the same table as this help.",
    examples: ["source <(gatewatch completion bash)", "gatewatch completion fish | source"],
    settings: {},
    positionals: ["SHELL"],
    load: async () => (await import("./completion.ts")).completion,
  },
];
