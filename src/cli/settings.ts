import type { RouterName } from "../match/route.ts";
import type { ListenerName, TransportName } from "../runtimes/runtime.ts";
import {
  adminUrl,
  choice,
  controlUrl,
  count,
  duration,
  etcdEndpoint,
  identifier,
  interval,
  keyPrefix,
  keyringKey,
  type ListenAddress,
  listenAddress,
  network,
  secret,
  size,
  text,
  type TextSchema,
  workerCount,
} from "./setting-values.ts";

/** What the settings say, each after its flag, its variable, its key in the file or its default. */
export interface Settings {
  readonly etcd: readonly string[];
  readonly etcdUser: string | undefined;
  readonly etcdPassword: string | undefined;
  readonly etcdPasswordFile: string | undefined;
  readonly etcdCa: string | undefined;
  readonly etcdCert: string | undefined;
  readonly etcdKey: string | undefined;
  readonly etcdTransport: "grpc" | "json" | undefined;
  readonly prefix: string;
  readonly snapshot: string | undefined;
  readonly etcdTimeout: number;
  readonly holdDeletes: number;
  readonly register: "on" | "off";
  readonly canary: "on" | "off";
  readonly instanceId: string | undefined;
  readonly resources: string | undefined;
  readonly keyring: readonly string[];
  readonly keyringFile: string | undefined;
  readonly secretRefresh: number;
  readonly listen: readonly ListenAddress[];
  readonly listenTls: readonly ListenAddress[];
  readonly http2: "on" | "off";
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly admin: ListenAddress;
  readonly adminKey: string | undefined;
  readonly adminKeyFile: string | undefined;
  readonly adminViewerKey: string | undefined;
  readonly adminViewerKeyFile: string | undefined;
  readonly control: ListenAddress;
  readonly router: RouterName;
  readonly trustedProxies: readonly string[];
  readonly upstreamCa: string | undefined;
  readonly denyTargets: readonly string[];
  readonly plugin: readonly string[];
  readonly requestTimeout: number;
  readonly transport: TransportName | undefined;
  readonly listener: ListenerName;
  readonly maxHeaderSize: number;
  readonly maxHeaders: number;
  readonly maxBodySize: number;
  readonly maxConnections: number;
  readonly maxInspectedBody: number;
  readonly maxResourceSize: number;
  readonly headerTimeout: number;
  readonly bodyTimeout: number;
  readonly idleTimeout: number;
  readonly drainTimeout: number;
  readonly workers: number;
  readonly logLevel: "debug" | "info" | "warning" | "error";
  readonly logFormat: "text" | "json" | undefined;
  readonly accessLog: "off" | "errors" | "all";
}

export type SettingName = keyof Settings;

/** Headings of the help text and of the table in docs, in their order. */
export const SETTING_GROUPS = ["Configuration", "Listening", "Routing", "Limits", "Logging"] as const;

interface SettingFacts<T> {
  readonly group: (typeof SETTING_GROUPS)[number];
  /** Stands for the value in help texts. */
  readonly value: string;
  /** One or two sentences; a default that is no constant is told in them. */
  readonly help: string;
  /** Reads one value. */
  readonly schema: TextSchema<T>;
  /** As a user would write it. */
  readonly default?: string;
  /** Its value is never printed, and a warning says that a flag can be read by every user of the machine. */
  readonly secret?: boolean;
}

/** A setting that has one value. */
export interface SingleSetting<T> extends SettingFacts<T> {
  readonly list?: false;
}

/** A setting that has several values: separated by commas, or by giving the flag again. */
export interface ListSetting<T> extends SettingFacts<T> {
  readonly list: true;
}

/** Any setting, for code that treats all of them alike. */
export type Setting = SingleSetting<unknown> | ListSetting<unknown>;

type SettingOf<T> = [T] extends [readonly (infer U)[]] ? ListSetting<U>
  : undefined extends T ? SingleSetting<NonNullable<T>>
  : SingleSetting<T> & { readonly default: string };

/**
 * Every setting of `gatewatch run`, in the order of the help text. Flags, variables, keys of the settings file, the help text and the table in
 * `docs/configuration.md` all come from here: `etcdUser` is `--etcd-user`, `GATEWATCH_ETCD_USER` and `etcd-user:`.
 */
export const SETTINGS: { readonly [K in SettingName]: SettingOf<Settings[K]> } = {
  etcd: {
    group: "Configuration",
    value: "URL[,URL...]",
    help: "Read resources from etcd at these addresses",
    schema: etcdEndpoint,
    list: true,
  },
  etcdUser: { group: "Configuration", value: "NAME", help: "User to log in to etcd as", schema: text },
  etcdPassword: {
    group: "Configuration",
    value: "PASSWORD",
    help: "That user's password; better in a file or in the variable, since others can read flags",
    schema: secret,
    secret: true,
  },
  etcdPasswordFile: { group: "Configuration", value: "FILE", help: "File that holds that password", schema: text },
  etcdCa: {
    group: "Configuration",
    value: "FILE",
    help: "Certificate authorities (PEM) to trust instead of the system's for etcd",
    schema: text,
  },
  etcdCert: { group: "Configuration", value: "FILE", help: "Client certificate (PEM) for etcd", schema: text },
  etcdKey: { group: "Configuration", value: "FILE", help: "Private key (PEM) of that certificate", schema: text },
  etcdTransport: {
    group: "Configuration",
    value: "grpc|json",
    help: "How to speak to etcd: gRPC, or JSON over HTTP; default: grpc, on Deno json",
    schema: choice(["grpc", "json"]),
  },
  prefix: {
    group: "Configuration",
    value: "PREFIX",
    help: "Read the keys under this prefix of etcd",
    schema: keyPrefix,
    default: "/gatewatch",
  },
  snapshot: {
    group: "Configuration",
    value: "FILE",
    help:
      "Keep the last good configuration in this file, and start from it where etcd does not answer; default: none is kept",
    schema: text,
  },
  etcdTimeout: {
    group: "Configuration",
    value: "DURATION",
    help: "At the start, wait this long for etcd before the snapshot is served",
    schema: duration,
    default: "5s",
  },
  holdDeletes: {
    group: "Configuration",
    value: "DURATION",
    help:
      "Hold a revision of etcd that removes more than half of at least 20 routes this long, unless gatewatch accept lets it go; 0 = never",
    schema: duration,
    default: "60s",
  },
  register: {
    group: "Configuration",
    value: "on|off",
    help:
      "Keep a record of this instance in etcd, under PREFIX/_instances/, for gatewatch status and wait; --no-register is the same as off",
    schema: choice(["on", "off"]),
    default: "on",
  },
  canary: {
    group: "Configuration",
    value: "on|off",
    help:
      "Let one of the registered instances write the time to PREFIX/_canary every 10 s, so that all can measure how long a write takes to arrive",
    schema: choice(["on", "off"]),
    default: "off",
  },
  instanceId: {
    group: "Configuration",
    value: "ID",
    help: "Name of that record; default: the machine's name and the process's number",
    schema: identifier,
  },
  resources: {
    group: "Configuration",
    value: "FILE",
    help: "Read resources from a YAML or JSON file instead of etcd; an edit is picked up at once",
    schema: text,
  },
  keyring: {
    group: "Configuration",
    value: "KEY[,KEY...]",
    help:
      "Keys of 16 or 32 bytes that stored secrets are encrypted with, as in APISIX; default: APISIX's own, which everybody knows",
    schema: keyringKey,
    list: true,
    secret: true,
  },
  keyringFile: {
    group: "Configuration",
    value: "FILE",
    help: "File that holds these keys on one line, separated by commas",
    schema: text,
  },
  secretRefresh: {
    group: "Configuration",
    value: "DURATION",
    help: "Ask managers of secrets ($secret://) this often for what may have changed; at least 1s",
    schema: interval,
    default: "5m",
  },
  listen: {
    group: "Listening",
    value: "HOST:PORT[,...]",
    help: "Serve requests here; may be given several times",
    schema: listenAddress,
    default: "0.0.0.0:9080",
    list: true,
  },
  listenTls: {
    group: "Listening",
    value: "HOST:PORT[,...]",
    help:
      "Serve requests over TLS here, with the certificates of ssl resources; may be given several times; default: nowhere",
    schema: listenAddress,
    list: true,
  },
  http2: {
    group: "Listening",
    value: "on|off",
    help: "Speak HTTP/2 with clients that want it, over TLS and in clear text; only with the listener http1",
    schema: choice(["on", "off"]),
    default: "on",
  },
  tlsCert: {
    group: "Listening",
    value: "FILE",
    help:
      "Certificate (PEM, with its chain) for clients that no ssl resource has one for; read again when the file changes",
    schema: text,
  },
  tlsKey: { group: "Listening", value: "FILE", help: "Private key (PEM) of that certificate", schema: text },
  admin: {
    group: "Listening",
    value: "HOST:PORT",
    help: "Serve the Admin API here, once a key for it is given; keep it on loopback or a private network",
    schema: listenAddress,
    default: "127.0.0.1:9180",
  },
  adminKey: {
    group: "Listening",
    value: "KEY",
    help: "Key that the Admin API asks for (X-API-KEY); without one there is no Admin API",
    schema: secret,
    secret: true,
  },
  adminKeyFile: { group: "Listening", value: "FILE", help: "File that holds that key", schema: text },
  adminViewerKey: {
    group: "Listening",
    value: "KEY",
    help: "Another key of the Admin API, which may only read",
    schema: secret,
    secret: true,
  },
  adminViewerKeyFile: { group: "Listening", value: "FILE", help: "File that holds that other key", schema: text },
  control: {
    group: "Listening",
    value: "HOST:PORT",
    help:
      "Serve the control API (/live, /ready, /status) here; it asks for no key, so keep it on loopback or a private network",
    schema: listenAddress,
    default: "127.0.0.1:9090",
  },
  listener: {
    group: "Listening",
    value: "http1|node|native",
    help: "Server to use: gatewatch's own, node:http, or the runtime's own",
    schema: choice(["http1", "node", "native"]),
    default: "http1",
  },
  drainTimeout: {
    group: "Listening",
    value: "DURATION",
    help: "On SIGTERM or SIGINT, wait this long for requests in flight",
    schema: duration,
    default: "30s",
  },
  workers: {
    group: "Listening",
    value: "N",
    help: "Serve with so many processes that share the ports (Linux); auto = one for each core",
    schema: workerCount,
    default: "1",
  },
  router: {
    group: "Routing",
    value: "NAME",
    help: "How routes are matched, as in APISIX: radixtree_host_uri, radixtree_uri or radixtree_uri_with_parameter",
    schema: choice(["radixtree_host_uri", "radixtree_uri", "radixtree_uri_with_parameter"]),
    default: "radixtree_host_uri",
  },
  trustedProxies: {
    group: "Routing",
    value: "CIDR[,CIDR...]",
    help: "Believe X-Forwarded-* fields that come from these networks; default: from none",
    schema: network,
    list: true,
  },
  upstreamCa: {
    group: "Routing",
    value: "FILE",
    help: "Certificate authorities (PEM) to trust besides the system's for upstreams",
    schema: text,
  },
  plugin: {
    group: "Routing",
    value: "FILE[,FILE...]",
    help:
      "Load plugins of your own from these modules, which run with all rights of the gateway; may be given several times",
    schema: text,
    list: true,
  },
  denyTargets: {
    group: "Routing",
    value: "CIDR[,CIDR...]",
    help: "Never connect to upstreams at these addresses, as in 169.254.0.0/16; default: every address may be one",
    schema: network,
    list: true,
  },
  requestTimeout: {
    group: "Routing",
    value: "DURATION",
    help: "Until the head of a request's answer, over all tries; 0 = no limit but those of the upstream",
    schema: duration,
    default: "0",
  },
  transport: {
    group: "Routing",
    value: "http1|undici|fetch",
    help: "What sends requests to upstreams; default: http1",
    schema: choice(["http1", "undici", "fetch"]),
  },
  maxHeaderSize: {
    group: "Limits",
    value: "SIZE",
    help: "Bytes of a request's line and header fields; more is answered with 431",
    schema: size,
    default: "32KiB",
  },
  maxHeaders: {
    group: "Limits",
    value: "COUNT",
    help: "Header fields of a request; more is answered with 431",
    schema: count,
    default: "100",
  },
  maxBodySize: {
    group: "Limits",
    value: "SIZE",
    help: "Bytes of a request's body; more is answered with 413; 0 = no limit",
    schema: size,
    default: "1GiB",
  },
  maxConnections: {
    group: "Limits",
    value: "COUNT",
    help: "Open connections of clients; more are closed as they come; 0 = no limit",
    schema: count,
    default: "10000",
  },
  maxInspectedBody: {
    group: "Limits",
    value: "SIZE",
    help: "Bytes of a request's body that routes may look into, as with post_arg or graphql",
    schema: size,
    default: "1MiB",
  },
  maxResourceSize: {
    group: "Limits",
    value: "SIZE",
    help: "Bytes of one resource in etcd or in the file; a larger one is rejected",
    schema: size,
    default: "256KiB",
  },
  headerTimeout: {
    group: "Limits",
    value: "DURATION",
    help: "Until a request's head is complete; 0 = no limit",
    schema: duration,
    default: "30s",
  },
  bodyTimeout: {
    group: "Limits",
    value: "DURATION",
    help: "Between two reads of a request's body; 0 = no limit",
    schema: duration,
    default: "60s",
  },
  idleTimeout: {
    group: "Limits",
    value: "DURATION",
    help: "That a connection may stay open between requests; 0 = no limit",
    schema: duration,
    default: "60s",
  },
  logLevel: {
    group: "Logging",
    value: "LEVEL",
    help: "Log what is at least this important: debug, info, warning or error",
    schema: choice(["debug", "info", "warning", "error"]),
    default: "info",
  },
  logFormat: {
    group: "Logging",
    value: "text|json",
    help: "How to write the log; default: text on a terminal, else json",
    schema: choice(["text", "json"]),
  },
  accessLog: {
    group: "Logging",
    value: "off|errors|all",
    help:
      "Write a line to standard output for no request, for those answered with an error of the gateway's own, or for all",
    schema: choice(["off", "errors", "all"]),
    default: "off",
  },
};

/** What `gatewatch health` and `gatewatch explain` ask: the same words as `--control`, and a URL as well. */
export const CONTROL_URL: SingleSetting<string> & { readonly default: string } = {
  group: "Listening",
  value: "URL",
  help: "The control API to ask, as URL or HOST:PORT",
  schema: controlUrl,
  default: "http://127.0.0.1:9090",
};

/** The setting `--admin-url`, of commands that read and write resources. */
export const ADMIN_URL: SingleSetting<string> = {
  group: "Configuration",
  value: "URL",
  help: "Read and write through the Admin API at this address, instead of etcd; asks for its key",
  schema: adminUrl,
};

/**
 * Every key that a settings file may have, as commands that ask a gateway read it: one file can be that of a gateway and that of
 * who asks it.
 */
export const FILE_SETTINGS: Readonly<Record<string, Setting>> = {
  ...SETTINGS,
  control: CONTROL_URL,
  adminUrl: ADMIN_URL,
};

/** `etcdUser` as a flag and as a key of the settings file: `etcd-user`. */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `etcdUser` as a variable: `GATEWATCH_ETCD_USER`. */
export function variableName(name: string): string {
  return `GATEWATCH_${flagName(name).replaceAll("-", "_").toUpperCase()}`;
}
