import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { parseFlags } from "../../../src/cli/flags.ts";
import { CONFIG, loadRunSettings, type RunSettings } from "../../../src/cli/run-settings.ts";
import { flagName, SETTINGS, variableName } from "../../../src/cli/settings.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";

let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatewatch-settings-"));
});
after(() => rm(directory, { recursive: true, force: true }));

/** Reads settings from arguments, variables and the content of a settings file. */
async function load(
  args: readonly string[],
  environment: Record<string, string> = {},
  file?: string,
): Promise<RunSettings> {
  const path = join(directory, "settings.yaml");
  if (file !== undefined) await writeFile(path, file);
  const table = { ...CONFIG, ...SETTINGS };
  const flags = parseFlags([...args, ...(file === undefined ? [] : ["--config", path])], {
    values: new Map(Object.entries(table).map(([name, { value }]) => [flagName(name), value])),
    switches: [],
  });
  if (flags.problems.length > 0) throw new UsageError(flags.problems);
  return await loadRunSettings(flags, environment);
}

/** The problems of settings that are refused, with the settings file's path as `FILE`. */
async function problems(
  args: readonly string[],
  environment: Record<string, string> = {},
  file?: string,
): Promise<string[]> {
  try {
    await load(args, environment, file);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.problems.map((problem) => problem.replaceAll(join(directory, "settings.yaml"), "FILE"));
  }
  return assert.fail("the settings were taken");
}

const ETCD = ["--etcd", "http://127.0.0.1:2379"];

describe("settings of gatewatch run", () => {
  it("have a safe default each", async () => {
    const { warnings, config, ...settings } = await load(ETCD);
    assert.deepEqual(warnings, []);
    assert.equal(config, undefined);
    assert.deepEqual(settings, {
      etcd: ["http://127.0.0.1:2379"],
      etcdUser: undefined,
      etcdPassword: undefined,
      etcdPasswordFile: undefined,
      etcdCa: undefined,
      etcdCert: undefined,
      etcdKey: undefined,
      etcdTransport: undefined,
      prefix: "/gatewatch",
      snapshot: undefined,
      etcdTimeout: 5000,
      holdDeletes: 60_000,
      register: "on",
      canary: "off",
      instanceId: undefined,
      denyTargets: [],
      plugin: [],
      resources: undefined,
      keyring: [],
      keyringFile: undefined,
      secretRefresh: 300_000,
      listen: [{ host: "0.0.0.0", port: 9080 }],
      listenTls: [],
      http2: "on",
      tlsCert: undefined,
      tlsKey: undefined,
      admin: { host: "127.0.0.1", port: 9180 },
      adminKey: undefined,
      adminKeyFile: undefined,
      adminViewerKey: undefined,
      adminViewerKeyFile: undefined,
      control: { host: "127.0.0.1", port: 9090 },
      listener: "http1",
      workers: 1,
      drainTimeout: 30_000,
      router: "radixtree_host_uri",
      trustedProxies: [],
      upstreamCa: undefined,
      requestTimeout: 0,
      transport: undefined,
      maxHeaderSize: 32 * 1024,
      maxHeaders: 100,
      maxBodySize: 1024 ** 3,
      maxConnections: 10_000,
      maxInspectedBody: 1024 ** 2,
      maxResourceSize: 256 * 1024,
      headerTimeout: 30_000,
      bodyTimeout: 60_000,
      idleTimeout: 60_000,
      logLevel: "info",
      logFormat: undefined,
      accessLog: "off",
    });
  });

  it("take a flag before a variable, a variable before the file, the file before the default", async () => {
    const file = "prefix: /file\ndrain-timeout: 1s\nlog-level: debug\n";
    const environment = { GATEWATCH_PREFIX: "/variable", GATEWATCH_DRAIN_TIMEOUT: "2s" };
    const settings = await load([...ETCD, "--prefix", "/flag"], environment, file);
    assert.equal(settings.prefix, "/flag");
    assert.equal(settings.drainTimeout, 2000);
    assert.equal(settings.logLevel, "debug");
    assert.equal(settings.maxHeaders, 100);
  });

  it("can each be a flag, a variable and a key of the file", async () => {
    const samples: Record<string, string> = {
      etcd: "http://10.0.0.1:2379",
      etcdUser: "reader",
      etcdPassword: "secret",
      etcdCa: "ca.pem",
      etcdCert: "cert.pem",
      etcdKey: "key.pem",
      etcdTransport: "json",
      prefix: "/p",
      snapshot: "snapshot",
      etcdTimeout: "2s",
      holdDeletes: "0",
      register: "off",
      canary: "on",
      instanceId: "edge-1.a",
      denyTargets: "169.254.0.0/16",
      plugin: "geo.ts",
      keyring: "0123456789abcdef",
      secretRefresh: "90s",
      upstreamCa: "ca.pem",
      requestTimeout: "9s",
      maxInspectedBody: "3KiB",
      maxResourceSize: "4KiB",
      listen: "127.0.0.1:1",
      listenTls: "127.0.0.1:4",
      http2: "off",
      tlsCert: "cert.pem",
      tlsKey: "key.pem",
      admin: "127.0.0.1:2",
      adminKey: "k",
      adminViewerKey: "w",
      control: "127.0.0.1:3",
      listener: "http1",
      drainTimeout: "1s",
      workers: "3",
      router: "radixtree_uri",
      trustedProxies: "10.0.0.0/8",
      transport: "fetch",
      maxHeaderSize: "1KiB",
      maxHeaders: "5",
      maxBodySize: "2MB",
      maxConnections: "6",
      headerTimeout: "2s",
      bodyTimeout: "3s",
      idleTimeout: "4s",
      logLevel: "error",
      logFormat: "json",
      accessLog: "all",
    };
    const names = Object.keys(SETTINGS).filter((name) =>
      !["resources", "etcdPasswordFile", "adminKeyFile", "adminViewerKeyFile", "keyringFile"].includes(name)
    );
    assert.deepEqual(names.sort(), Object.keys(samples).sort());
    const strip = (settings: RunSettings) => ({ ...settings, warnings: undefined, config: undefined });
    const byFlag = strip(await load(names.flatMap((name) => [`--${flagName(name)}`, samples[name]!])));
    const byVariable = strip(
      await load([], Object.fromEntries(names.map((name) => [variableName(name), samples[name]!]))),
    );
    const byFile = strip(await load([], {}, names.map((name) => `${flagName(name)}: ${samples[name]}`).join("\n")));
    assert.equal(byFlag.idleTimeout, 4000);
    assert.deepEqual(byVariable, byFlag);
    assert.deepEqual(byFile, byFlag);
  });

  it("take lists by commas, by several flags and by a list in the file", async () => {
    const two = [{ host: "127.0.0.1", port: 1 }, { host: "::1", port: 2 }];
    assert.deepEqual((await load([...ETCD, "--listen", "127.0.0.1:1", "--listen", "[::1]:2"])).listen, two);
    assert.deepEqual((await load([...ETCD, "--listen=127.0.0.1:1, [::1]:2"])).listen, two);
    assert.deepEqual((await load(ETCD, {}, "listen: [127.0.0.1:1, '[::1]:2']")).listen, two);
    assert.deepEqual((await load(ETCD, {}, '{"listen": ["127.0.0.1:1", "[::1]:2"]}')).listen, two);
  });

  it("take a file's scalars as they are written", async () => {
    const { etcdPassword } = await load(ETCD, {}, "etcd-user: yes\netcd-password: 0123\n");
    assert.equal(etcdPassword, "0123");
  });

  it("may share their file and variables with commands that write", async () => {
    const { warnings } = await load(ETCD, { GATEWATCH_ADMIN_URL: "http://a" }, "admin-url: http://127.0.0.1:9180\n");
    assert.deepEqual(warnings, []);
  });

  it("take a variable that is set to nothing as not set", async () => {
    assert.equal((await load(ETCD, { GATEWATCH_PREFIX: "" })).prefix, "/gatewatch");
  });

  it("mean the same prefix with and without slashes around it", async () => {
    for (const prefix of ["/a", "a", "/a/", "//a//"]) {
      assert.equal((await load([...ETCD, "--prefix", prefix])).prefix, "/a");
    }
  });

  it("read passwords and keys from files, without the line break at the end", async () => {
    const path = join(directory, "password");
    await writeFile(path, " p w\n");
    const settings = await load([...ETCD, "--etcd-user", "u", "--etcd-password-file", path, "--admin-key-file", path]);
    assert.equal(settings.etcdPassword, " p w");
    assert.equal(settings.adminKey, " p w");
    assert.deepEqual(settings.warnings, []);
  });

  it("read a keyring from a file", async () => {
    const path = join(directory, "keyring");
    await writeFile(path, "0123456789abcdef,fedcba9876543210\n");
    assert.deepEqual((await load([...ETCD, "--keyring-file", path])).keyring, ["0123456789abcdef", "fedcba9876543210"]);
    await writeFile(path, "short\n");
    assert.deepEqual(await problems([...ETCD, "--keyring-file", path]), [
      "--keyring-file: Cannot use a key of 5 bytes: write 16 or 32",
    ]);
  });

  it("read gatewatch.yaml only where it exists", async () => {
    assert.equal((await load(ETCD)).config, undefined);
    assert.deepEqual(await problems([...ETCD, "--config", "/nowhere/gatewatch.yaml"]), [
      "Cannot read the settings file /nowhere/gatewatch.yaml: there is no such file",
    ]);
  });
});

describe("settings that are refused", () => {
  const cases: readonly [string, readonly string[], Record<string, string>, string | undefined, readonly string[]][] = [
    ["no source", [], {}, undefined, [
      "Nothing to read resources from: give --etcd URL (or GATEWATCH_ETCD), or --resources FILE (or GATEWATCH_RESOURCES)",
    ]],
    ["two sources", [...ETCD, "--resources", "a.yaml"], {}, undefined, [
      "Cannot use both --etcd and --resources: give one of them",
    ]],
    ["two sources from two places", ETCD, {}, "resources: a.yaml", [
      "Cannot use both --etcd and FILE:1: resources: give one of them",
    ]],
    ["an unknown flag", [...ETCD, "--prefx", "/a"], {}, undefined, ["Unknown flag --prefx: did you mean --prefix?"]],
    ["an unknown flag like no other", [...ETCD, "--zzz"], {}, undefined, ["Unknown flag --zzz"]],
    ["an unknown short flag", [...ETCD, "-x"], {}, undefined, ["Unknown flag -x"]],
    ["a flag without a value", ["--etcd", "--prefix", "/a"], {}, undefined, [
      "--etcd needs a value: --etcd URL[,URL...]",
    ]],
    ["an empty value", [...ETCD, "--prefix="], {}, undefined, ["--prefix: Cannot be empty"]],
    ["an argument that is no flag", [...ETCD, "routes.yaml"], {}, undefined, ['Unexpected argument "routes.yaml"']],
    ["a single setting twice", [...ETCD, "--prefix", "/a", "--prefix", "/b"], {}, undefined, [
      "--prefix: Cannot be given more than once",
    ]],
    ["an unknown key in the file", ETCD, {}, "log-level: info\netcdUser: a\n", [
      'FILE:2: Unknown setting "etcdUser": did you mean "etcd-user"?',
    ]],
    ["a key twice in the file", ETCD, {}, "prefix: a\nprefix: b\n", [
      "FILE:2:1: Cannot read this as YAML: Map keys must be unique",
    ]],
    ["a map in the file", ETCD, {}, "prefix: {a: b}\n", [
      "FILE:1: prefix: Cannot use a map here: write a value or a list of values",
    ]],
    ["an empty key in the file", ETCD, {}, "prefix:\n", ["FILE:1: prefix: Cannot be empty"]],
    ["an empty list in the file", ETCD, {}, "prefix: []\n", ["FILE:1: prefix: Cannot be empty"]],
    ["a file that is no map", ETCD, {}, "- a\n", [
      'FILE: Cannot read the settings: write one "name: value" on each line',
    ]],
    ["a duration without a unit", [...ETCD, "--drain-timeout", "30"], {}, undefined, [
      '--drain-timeout: Cannot read "30" as a duration: write a number and a unit of at most 24 days, as in 500ms, 30s, 5m, 1h',
    ]],
    ["a duration longer than a timer", ETCD, { GATEWATCH_IDLE_TIMEOUT: "1000h" }, undefined, [
      'GATEWATCH_IDLE_TIMEOUT: Cannot read "1000h" as a duration: write a number and a unit of at most 24 days, as in 500ms, 30s, 5m, 1h',
    ]],
    ["a size with an unknown unit", ETCD, { GATEWATCH_MAX_BODY_SIZE: "1Mb" }, undefined, [
      'GATEWATCH_MAX_BODY_SIZE: Cannot read "1Mb" as a size: write a number and a unit, as in 512B, 64KiB, 10MB, 1GiB',
    ]],
    ["a count that is none", ETCD, {}, "max-headers: -1", [
      'FILE:1: max-headers: Cannot read "-1" as a count: write a whole number, as in 100',
    ]],
    ["a port alone", [...ETCD, "--listen", "9080"], {}, undefined, [
      '--listen: Cannot listen on "9080": write HOST:PORT, as in 127.0.0.1:9080 or [::1]:9080 (for all addresses: 0.0.0.0:9080)',
    ]],
    ["a port above 65535", [...ETCD, "--control", "a:65536"], {}, undefined, [
      '--control: Cannot listen on "a:65536": write HOST:PORT, as in 127.0.0.1:9080 or [::1]:9080',
    ]],
    ["an etcd address without a scheme", ["--etcd", "127.0.0.1:2379"], {}, undefined, [
      '--etcd: Cannot use "127.0.0.1:2379" as an etcd address: write http://HOST:PORT or https://HOST:PORT',
    ]],
    ["an etcd address with a path", ["--etcd", "http://a:1/v3"], {}, undefined, [
      '--etcd: Cannot use "http://a:1/v3" as an etcd address: write no path behind http://a:1',
    ]],
    ["a prefix that is everything", [...ETCD, "--prefix", "/"], {}, undefined, [
      '--prefix: Cannot use "/" as a prefix: it would read every key in etcd; write a name, as in /gatewatch',
    ]],
    ["a word that is none of the known", [...ETCD, "--log-format", "xml"], {}, undefined, [
      '--log-format: Cannot use "xml": write text or json',
    ]],
    ["a network that is none", [...ETCD, "--trusted-proxies", "10.0.0.0/8,lan"], {}, undefined, [
      '--trusted-proxies: Cannot read "lan" as a network: write an address or a CIDR, as in 10.0.0.0/8',
    ]],
    ["a password without a user", [...ETCD, "--etcd-password", "x"], {}, undefined, [
      "--etcd-password: Needs --etcd-user as well",
    ]],
    ["a user without a password", [...ETCD, "--etcd-user", "x"], {}, undefined, [
      "--etcd-user: Needs --etcd-password or --etcd-password-file as well",
    ]],
    ["a certificate without its key", [...ETCD, "--etcd-cert", "x"], {}, undefined, [
      "--etcd-cert: Needs --etcd-key as well",
    ]],
    ["a secret's file that is not there", [...ETCD, "--admin-key-file", "/nowhere/key"], {}, undefined, [
      "--admin-key-file: Cannot read /nowhere/key: there is no such file",
    ]],
  ];
  for (const [what, args, environment, file, expected] of cases) {
    it(what, async () => assert.deepEqual(await problems(args, environment, file), expected));
  }

  it("are all named at once", async () => {
    const found = await problems(["--etcd", "x", "--log-level", "y"], { GATEWATCH_MAX_HEADERS: "z" }, "a: b");
    assert.equal(found.length, 4);
  });

  it("never show a secret", async () => {
    const secret = "s3cr3t-value";
    const found = [
      ...await problems(["--etcd", `http://user:${secret}@127.0.0.1:2379`]),
      ...await problems(["--etcd", `user:${secret}@127.0.0.1:2379`]),
      ...await problems([...ETCD, "--etcd-password", secret]),
      ...await problems([...ETCD, "--etcd-user", "a", "--etcd-password", secret, "--etcd-password", secret]),
      ...await problems([...ETCD, "--etcd-pasword", secret]),
      ...await problems([...ETCD, "--keyring", secret]),
      ...await problems([...ETCD, "--admin-key", secret, "--log-level", "x"]),
    ];
    assert.ok(found.length >= 6);
    for (const problem of found) assert.ok(!problem.includes(secret), problem);
  });
});

describe("settings that are warned of", () => {
  it("a password as a flag", async () => {
    const { warnings } = await load([...ETCD, "--etcd-user", "u", "--etcd-password", "p"]);
    assert.deepEqual(warnings, [
      "Every user of this machine can read --etcd-password in the list of processes: use --etcd-password-file or GATEWATCH_ETCD_PASSWORD",
    ]);
  });

  it("a password over plain http to another machine", async () => {
    const environment = { GATEWATCH_ETCD_PASSWORD: "p" };
    const { warnings } = await load(["--etcd", "http://10.0.0.1:2379", "--etcd-user", "u"], environment);
    assert.deepEqual(warnings, [
      "The etcd password goes unencrypted over the network to http://10.0.0.1:2379: use https://",
    ]);
    const safe = ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://10.0.0.1:1"];
    assert.deepEqual((await load(["--etcd", safe.join(), "--etcd-user", "u"], environment)).warnings, []);
  });

  it("a control API that other machines can reach", async () => {
    const { warnings } = await load([...ETCD, "--control", "0.0.0.0:9090"]);
    assert.deepEqual(warnings, [
      "The control API asks for no key, and 0.0.0.0:9090 can be reached from other machines",
    ]);
  });

  it("a variable that is almost one of ours, but none that Kubernetes sets for a Service", async () => {
    const environment = {
      GATEWATCH_ECTD_USER: "a",
      GATEWATCH_PORT: "tcp://10.0.0.1:80",
      GATEWATCH_SERVICE_HOST: "10.0.0.1",
      GATEWATCH_PORT_80_TCP_ADDR: "10.0.0.1",
    };
    assert.deepEqual((await load(ETCD, environment)).warnings, [
      "Unknown variable GATEWATCH_ECTD_USER: did you mean GATEWATCH_ETCD_USER?",
    ]);
  });
});

describe("the table of settings", () => {
  it("holds every default as a user would write it", () => {
    for (const command of COMMANDS) {
      for (const [name, setting] of Object.entries(command.settings)) {
        assert.match(flagName(name), /^[a-z]+\d*(-[a-z]+)*$/);
        assert.ok(setting.help.length > 10 && !setting.help.endsWith("."), name);
      }
    }
  });
});
