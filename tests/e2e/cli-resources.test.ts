// The commands that check, compare, read and write resources, over a real etcd.
// runtimes: bun, deno
// waits
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { type CliResult, runCli } from "../support/cli.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";

const FILE = `routes:
  - id: 1
    uri: /a/*
    upstream_id: u1
  - id: 2
    uri: /b/*
    upstream_id: u1
upstreams:
  - id: u1
    nodes: { "127.0.0.1:80": 1 }
consumers:
  - username: jack
    credentials:
      - id: c1
        plugins: { key-auth: { key: jacks-own-key } }
secrets:
  - id: vault/1
    uri: http://127.0.0.1:8200
    prefix: kv
    token: vault-token
global_rules:
  - id: 1
    plugins: { request-id: {} }
plugin_metadata:
  - id: request-id
    log_format: { host: $host }
node: { host: 127.0.0.1, port: 80 }
`;

describe("commands over resources", () => {
  let directory = "", file = "", etcd: EtcdServer, count = 0, prefix = "";

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-cli-"));
    file = join(directory, "resources.yaml");
    etcd = await startEtcd();
  });
  beforeEach(async () => {
    prefix = `/test${count++}`;
    await writeFile(file, FILE);
  });
  after(async () => {
    await etcd?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const call = (args: readonly string[], input = ""): Promise<CliResult> =>
    runCli([...args, "--etcd", etcd.url, "--prefix", prefix], { directory, input });
  const good = async (args: readonly string[], input = ""): Promise<string> => {
    const { status, stdout, stderr } = await call(args, input);
    assert.equal(status, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };
  const stored = async (key: string): Promise<Record<string, unknown>> =>
    JSON.parse((await etcd.all(`${prefix}/${key}`)).get(`${prefix}/${key}`) ?? "null") as Record<string, unknown>;

  it("diff tells of every field, apply makes it so, and then nothing differs", async () => {
    const before = await call(["diff", file]);
    assert.equal(before.status, 1);
    assert.match(before.stdout, /^\+ upstreams\/u1$/m);
    assert.match(before.stdout, /^9 to create, 0 to change, 0 to delete; 0 resources unchanged$/m);
    assert.match(await good(["apply", file]), /^9 created, 0 changed, 0 deleted, 0 unchanged: 1 transaction/);
    assert.deepEqual((await stored("routes/1"))["labels"], { "managed-by": "gatewatch" });
    await good(["diff", file]);

    await writeFile(file, FILE.replace("uri: /a/*", "uri: /c/*\n    priority: 3").replace("vault-token", "another"));
    const after = await call(["diff", file]);
    assert.equal(after.status, 1);
    assert.equal(
      after.stdout,
      '~ secrets/vault/1\n    ~ token: (secret) -> (secret)\n~ routes/1\n    ~ uri: "/a/*" -> "/c/*"\n    + priority: 3\n' +
        "0 to create, 2 to change, 0 to delete; 7 resources unchanged\n",
    );
    assert.match(await good(["apply", file, "--dry-run"]), /0 to create, 2 to change, .* nothing was written/);
    assert.equal((await stored("routes/1"))["uri"], "/a/*");
    await good(["apply", file]);
    assert.equal((await stored("routes/1"))["uri"], "/c/*");
  });

  it("prune deletes what it manages and nothing else, and more than half only with --yes", async () => {
    await etcd.put(`${prefix}/routes/foreign`, '{"uri":"/foreign","plugins":{}}');
    await etcd.put(`${prefix}/routes/terra`, '{"uri":"/t","plugins":{},"labels":{"managed-by":"terraform"}}');
    await good(["apply", file]);
    await writeFile(file, FILE.replace(/ {2}- id: 2[^]*?(?=upstreams)/, ""));
    await good(["apply", file]);
    assert.equal((await stored("routes/2"))["uri"], "/b/*");
    assert.match(await good(["apply", file, "--prune"]), /^0 created, 0 changed, 1 deleted/);
    assert.equal(await stored("routes/2"), null);

    await writeFile(file, "routes: []\n");
    const refused = await call(["apply", file, "--prune"]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /Cannot delete 4 of the 4 resources that it manages: .* --yes/);
    await etcd.put(`${prefix}/routes/foreign`, '{"uri":"/foreign","upstream_id":"u1"}');
    const needed = await call(["apply", file, "--prune", "--yes"]);
    assert.equal(needed.status, 1);
    assert.match(needed.stderr, /Cannot delete upstreams\/u1: routes\/foreign refers to it, and stays/);
    await etcd.put(`${prefix}/routes/foreign`, '{"uri":"/foreign","plugins":{}}');
    await good(["apply", file, "--prune", "--yes"]);
    assert.deepEqual([...(await etcd.all(`${prefix}/routes/`)).keys()], [
      `${prefix}/routes/foreign`,
      `${prefix}/routes/terra`,
    ]);
    // What has no labels is nobody's to prune.
    assert.notEqual(await stored("global_rules/1"), null);

    await writeFile(file, "routes:\n  - { id: terra, uri: /mine, plugins: {} }\n");
    const other = await call(["apply", file]);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /Cannot change routes\/terra: 'terraform' manages it; give --take-over/);
    await good(["apply", file, "--take-over"]);
    assert.deepEqual((await stored("routes/terra"))["labels"], { "managed-by": "gatewatch" });
  });

  it("dump, apply, dump is identical, with secrets and without", async () => {
    await good(["apply", file]);
    const first = join(directory, "first.yaml"), open = join(directory, "open.yaml");
    await good(["dump", "-o", first]);
    const text = await readFile(first, "utf8");
    assert.doesNotMatch(text, /jacks-own-key|vault-token|managed-by/);
    assert.match(text, /<redacted>/);
    await good(["dump", "--show-secrets", "-o", open]);
    assert.equal((await stat(open)).mode & 0o777, 0o600);

    // Over itself nothing changes; what is redacted stays.
    assert.match(await good(["apply", first]), /^Nothing to do/);
    assert.equal(await good(["dump"]), text);

    // Into an empty prefix: only with the secrets.
    const whole = await readFile(open, "utf8");
    const full = prefix;
    prefix = `${full}-copy`;
    const refused = await call(["apply", first]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /Cannot write secrets\/vault\/1: token is <redacted>/);
    assert.equal((await etcd.all(`${prefix}/`)).size, 0);
    await good(["apply", open]);
    assert.equal(await good(["dump", "--show-secrets"]), whole);
    assert.equal(await good(["dump"]), text);
    assert.deepEqual(JSON.parse(await good(["dump", "--json"])), JSON.parse(await good(["dump", "--json"])));
  });

  it("references that only the gateway can resolve are taken as they are", async () => {
    const route = '{"uri":"/a","upstream_id":"u1","plugins":{"proxy-rewrite":{"uri":"$ENV://MYURI"}}}';
    await writeFile(
      file,
      `{"routes":[{"id":1,${
        route.slice(1)
      }],"upstreams":[{"id":"u1","nodes":[{"host":"$ENV://H","port":80,"weight":1}]}]}`,
    );
    assert.match(await good(["apply", file]), /^2 created/);
    const dumped = join(directory, "references.yaml");
    await good(["dump", "-o", dumped]);
    assert.equal((await runCli(["validate", dumped])).stdout, "2 resources: no issues\n");
    assert.match(await good(["apply", dumped]), /^Nothing to do/);
    assert.equal((await call(["diff", file])).status, 0);
    await good(["put", "route", "2"], route);
    const bad = await call(["put", "route", "3"], route.replace('"u1"', '"none"'));
    assert.match(bad.stderr, /upstream_id refers to upstream "none", which is not there/);
  });

  it("get, put and delete are guarded", async () => {
    await good(["apply", file]);
    assert.match(await good(["get", "route", "1"]), /^# routes\/1 at revision \d+\nid: "1"\nuri: \/a\/\*\n/);
    assert.equal(await good(["get", "routes"]), "1\n2\n");
    assert.match(await good(["get", "credential", "jack/credentials/c1"]), /key: <redacted>/);
    assert.match(await good(["get", "credential", "jack/credentials/c1", "--show-secrets"]), /key: jacks-own-key/);
    const { modRevision } = JSON.parse(await good(["get", "route", "1", "--json"])) as { modRevision: number };

    const value = '{"uri":"/new","upstream_id":"u1"}';
    await good(["put", "route", "1", "--revision", String(modRevision)], value);
    assert.deepEqual(await stored("routes/1"), { id: "1", uri: "/new", upstream_id: "u1" });
    const late = await call(["put", "route", "1", "--revision", String(modRevision)], value);
    assert.equal(late.status, 1);
    assert.match(late.stderr, /Cannot write routes\/1: somebody else wrote it at revision \d+/);
    assert.match((await call(["put", "route", "1", "--revision", "0"], value)).stderr, /somebody else wrote it/);
    assert.match(await good(["put", "route", "1"], value), /unchanged/);

    for (
      const [bad, message] of [
        ['{"uri":"/x","upstream_id":"none"}', /upstream_id refers to upstream "none", which is not there/],
        ['{"uri":"/x","plugins":{"nope":{}}}', /plugins\.nope is not a plugin of this gateway/],
        ['{"uri":"/x","upstream_id":"u1","oops":1}', /oops is not a known field/],
        [
          '{"id":"2","uri":"/x","upstream_id":"u1"}',
          /^gatewatch: Cannot write routes\/1: wrong route id: the value has "2"/,
        ],
      ] as const
    ) {
      const { status, stderr } = await call(["put", "route", "1"], bad);
      assert.equal(status, 1);
      assert.match(stderr, message);
    }
    assert.equal((await stored("routes/1"))["uri"], "/new");
    for (const id of ["1", '"1"']) {
      assert.match(await good(["put", "route", "1"], `{"id":${id},${value.slice(1)}`), /unchanged/);
    }
    const credential = (id: string) =>
      call(["put", "credential", "jack/credentials/c1"], `{"id":"${id}","plugins":{"key-auth":{"key":"k"}}}`);
    assert.match((await credential("c2")).stderr, /wrong credential id/);
    assert.equal((await credential("c1")).status, 0);
    assert.equal((await call(["put", "route", "1"], "[1")).status, 2);
    assert.equal((await call(["put", "route", "../x"], value)).status, 2);

    const used = await call(["delete", "upstream", "u1"]);
    assert.equal(used.status, 1);
    assert.match(used.stderr, /Cannot delete upstreams\/u1: routes\/1, routes\/2 refer to it/);
    await good(["delete", "route", "1"]);
    await good(["delete", "route", "2"]);
    await good(["delete", "upstream", "u1"]);
    assert.equal((await call(["delete", "route", "1"])).status, 1);
    assert.equal((await call(["get", "route", "1"])).status, 1);
  });

  it("history and rollback read etcd's own history", async () => {
    const put = (uri: string) => etcd.put(`${prefix}/routes/1`, JSON.stringify({ uri, plugins: {} }));
    const first = await put("/one"), second = await put("/two");
    const gone = await etcd.del(`${prefix}/routes/1`);
    await etcd.put(`${prefix}/routes/9`, '{"uri":"/other","plugins":{}}');
    const third = await put("/three");
    const told = JSON.parse(await good(["history", "route", "1", "--json"])) as {
      versions: { revision: number; deleted: boolean; value?: { uri: string } }[];
    };
    assert.deepEqual(told.versions.map(({ revision, deleted, value }) => [revision, deleted, value?.uri]), [
      [third, false, "/three"],
      [gone, true, undefined],
      [second, false, "/two"],
      [first, false, "/one"],
    ]);
    assert.match(await good(["history", "route", "1"]), /uri: "\/one" -> "\/two"/);

    await good(["rollback", "route", "1", "--to", String(second)]);
    assert.equal((await stored("routes/1"))["uri"], "/two");
    assert.match(await good(["rollback", "route", "1", "--to", String(second)]), /is as it was/);
    await good(["delete", "route", "1"]);
    await good(["rollback", "route", "1", "--to", String(first)]);
    assert.equal((await stored("routes/1"))["uri"], "/one");
    assert.equal((await call(["rollback", "route", "1", "--to", String(gone)])).status, 1);

    await etcd.compact();
    const compacted = await call(["rollback", "route", "1", "--to", String(first)]);
    assert.equal(compacted.status, 1);
    assert.match(compacted.stderr, /Cannot roll routes\/1 back to revision \d+: etcd does not know it/);
    assert.match(await good(["history", "route", "1"]), /Older revisions are compacted/);
  });

  it("validate tells every issue with its place, and writes nothing", async () => {
    await writeFile(
      file,
      `routes:
  - id: 1
    uri: /a/*
    upstream_id: u1
  - id: 2
    uri: /a/*
    methods: [GET]
    upstream_id: u1
  - id: 3
    uri: /b
    upstram_id: u1
    upstream_id: none
    priority: high
upstreams:
  - id: u1
    nodes: { "127.0.0.1:80": 1 }
`,
    );
    const { status, stdout } = await runCli(["validate", "resources.yaml"], { directory });
    assert.equal(status, 1);
    assert.deepEqual(stdout.split("\n"), [
      'resources.yaml:6:5: warning: routes/2 uri never takes /a/*: route "1" is equal there and stands before it',
      "resources.yaml:11:5: error: routes/3 upstram_id is not a known field",
      'resources.yaml:12:5: error: routes/3 upstream_id refers to upstream "none", which is not there',
      'resources.yaml:13:5: error: routes/3 priority must be an integer, is "high"',
      "4 resources: 3 errors, 1 warning",
      "",
    ]);
    const refused = await call(["apply", file]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /resources\.yaml:12:5: error: routes\/3 upstream_id refers to upstream "none"/);
    assert.equal((await etcd.all(`${prefix}/`)).size, 0);

    const twice = await runCli(["validate", "-"], {
      directory,
      input: "routes:\n  - {id: 1, uri: /a, plugins: {}}\n  - {id: 2, uri: /a, plugins: {}}\n",
    });
    assert.equal(twice.status, 0, twice.stderr);
    assert.match(twice.stdout, /<stdin>:3:13: warning: routes\/2 .* matches exactly the same requests/);
    const denied = await runCli(["validate", "--deny-warnings", "--json", "-"], {
      input: '{"routes":[{"id":1,"uri":"/a","plugins":{}},{"id":2,"uri":"/a","plugins":{}}]}',
    });
    assert.equal(denied.status, 1);
    assert.equal((JSON.parse(denied.stdout) as { warnings: number }).warnings, 1);
    assert.equal((await runCli(["validate"])).status, 2);
    assert.equal((await runCli(["validate", "none.yaml"], { directory })).status, 2);
  });

  it("refuses a settings file with a mistake in it, and writes nothing", async () => {
    const place = await mkdtemp(join(directory, "settings-"));
    const settings = `etcd: ${etcd.url}\n`;
    const inPlace = (args: readonly string[], environment = {}) =>
      runCli(args, { directory: place, input: '{"uri":"/a","plugins":{}}', environment });
    const before = await etcd.revision();
    const cases: readonly [string, RegExp][] = [
      [`prefx: ${prefix}`, /^gatewatch: gatewatch\.yaml:2: Unknown setting "prefx": did you mean "prefix"\?$/m],
      ["log-level: foo", /^gatewatch: gatewatch\.yaml:2: log-level: Cannot use "foo": write debug, /m],
    ];
    const [first] = cases;
    for (const [line, message] of cases) {
      await writeFile(join(place, "gatewatch.yaml"), `${settings}${line}\n`);
      // Every way to read the file for one of the mistakes, and one for the other.
      const commands = line !== first![0] ? [["put", "route", "1"]] : [
        ["apply", file],
        ["diff", file],
        ["dump"],
        ["get", "routes"],
        ["put", "route", "1"],
        ["delete", "route", "1"],
        ["history", "route", "1"],
        ["status"],
        ["wait", "--revision", "1", "--timeout", "1s"],
        ["health"],
        ["explain", "GET", "http://a/"],
        ["run"],
      ];
      for (const args of commands) {
        const { status, stderr } = await inPlace(args);
        assert.equal(status, 2, `${args.join(" ")}: ${stderr}`);
        assert.match(stderr, message);
      }
    }
    assert.equal(await etcd.revision(), before);
    // What other commands read of the file is no mistake.
    await writeFile(
      join(place, "gatewatch.yaml"),
      `${settings}prefix: ${prefix}\nadmin-key: a\nworkers: auto\ncontrol: http://127.0.0.1:9090\n`,
    );
    const { status, stderr } = await inPlace(["put", "route", "1"], { GATEWATCH_ECTD_USER: "a" });
    assert.equal(status, 0, stderr);
    assert.equal(
      stderr,
      "gatewatch: Unknown variable GATEWATCH_ECTD_USER: did you mean GATEWATCH_ETCD_USER?\n",
    );
    assert.equal((await stored("routes/1"))["uri"], "/a");
  });

  it("says so where etcd is not there, and what it was called wrongly with", async () => {
    const away = await runCli(["apply", file, "--etcd", "http://127.0.0.1:1"]);
    assert.equal(away.status, 1);
    assert.match(away.stderr, /^gatewatch: .*127\.0\.0\.1:1/);
    assert.doesNotMatch(away.stderr, /^\s+at /m);
    const nothing = await runCli(["apply", file]);
    assert.equal(nothing.status, 2);
    assert.match(nothing.stderr, /Nothing to read or write: give --etcd URL/);
    const both = await runCli(["diff", file, "--etcd", etcd.url, "--admin-url", "http://127.0.0.1:9180"]);
    assert.equal(both.status, 2);
    assert.equal((await call(["get", "rout", "1"])).status, 2);
  });
});
