// The terminal transcripts of docs/cli.md, made by running them.
// `UPDATE_DOCS=1` writes them anew; then `deno fmt docs`.
// runtimes: bun, deno
// waits
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { checkDocBlock } from "../support/doc-block.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { currentRuntime, gatewatchCommand } from "../support/gateway-process.ts";

const RESOURCES = `upstreams:
  - id: users
    nodes: { "10.0.0.7:8080": 1 }
routes:
  - id: users
    uri: /users/*
    upstream_id: users
  - id: old
    uri: /old/*
    upstream_id: users
consumers:
  - username: jack
    credentials:
      - id: main
        plugins: { key-auth: { key: jacks-own-key } }
`;

const MISTAKES = `routes:
  - id: list
    uri: /users/*
    methods: [GET]
    upstream_id: users
  - id: all
    uri: /users/*
    priorty: 10
    upstream_id: user
  - id: again
    uri: /users/*
    methods: [GET]
    upstream_id: users
upstreams:
  - id: users
    nodes: { "10.0.0.7:99999": 1 }
`;

const OPENAPI = `openapi: 3.1.0
servers: [{ url: "https://pets.example.com/v1" }]
paths:
  /pets/{id}:
    get: { operationId: getPet, security: [{ key: [] }] }
components:
  securitySchemes:
    key: { type: apiKey, in: header, name: X-Key }
webhooks: {}
`;

/** Name of the block to what is typed; each transcript goes on where the one before it ended. */
const TRANSCRIPTS: Readonly<Record<string, readonly string[]>> = {
  validate: ["gatewatch validate mistakes.yaml", "echo $?"],
  apply: [
    "export GATEWATCH_ETCD=http://127.0.0.1:2379",
    "cat resources.yaml",
    "gatewatch apply resources.yaml",
    "sed -i -e 's|/users/|/v2/users/|' -e '/id: old/,+2d' -e 's|jacks-own|jacks-new|' resources.yaml",
    "gatewatch diff resources.yaml",
    "gatewatch apply resources.yaml --prune",
    "gatewatch apply resources.yaml --prune",
  ],
  dump: ["gatewatch dump"],
  one: [
    "gatewatch get route users",
    `echo '{"uri":"/users/*","upstream_id":"nobody"}' | gatewatch put route users`,
    "gatewatch delete upstream users",
  ],
  history: [
    "gatewatch history route users",
    "gatewatch rollback route users --to 2",
    "gatewatch get route users --json",
  ],
  import: ["gatewatch import openapi pets.yaml > pets-resources.yaml", "gatewatch validate pets-resources.yaml"],
};

describe("the transcripts of the documentation", () => {
  let directory = "", etcd: EtcdServer;
  const exported: Record<string, string> = {};

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-transcripts-"));
    etcd = await startEtcd();
    await writeFile(join(directory, "resources.yaml"), RESOURCES);
    await writeFile(join(directory, "mistakes.yaml"), MISTAKES);
    await writeFile(join(directory, "pets.yaml"), OPENAPI);
    const quoted = gatewatchCommand(currentRuntime()).map((word) => `'${word}'`).join(" ");
    const program = join(directory, "gatewatch");
    await writeFile(program, `#!/bin/sh\nexec ${quoted} "$@"\n`);
    await chmod(program, 0o755);
  });
  after(async () => {
    await etcd?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** What a line prints, both streams in their order; `$?` is that of the line before. */
  let last = 0;
  async function type(line: string): Promise<string> {
    const assignment = /^export (\w+)=(.*)$/.exec(line);
    if (assignment !== null) {
      exported[assignment[1]!] = assignment[2]!.replace("http://127.0.0.1:2379", etcd.url);
      return "";
    }
    const child = spawn("bash", ["-c", `exec 2>&1; (exit ${last}); ${line}`], {
      cwd: directory,
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GATEWATCH_"))),
        ...exported,
        PATH: [directory, process.env["PATH"]].join(delimiter),
        NO_COLOR: "1",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (data: Uint8Array) => output += Buffer.from(data).toString());
    last = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? -1)));
    // What differs from run to run.
    return output.replaceAll(etcd.url, "http://127.0.0.1:2379").replace(/\d+\.\d\d s;/g, "0.01 s;");
  }

  for (const [name, lines] of Object.entries(TRANSCRIPTS)) {
    it(`show what happens: ${name}`, async () => {
      let text = "";
      for (const line of lines) text += `$ ${line}\n${await type(line)}`;
      assert.doesNotMatch(text, /^\s+at /m);
      checkDocBlock("cli.md", `transcript ${name}`, `\`\`\`console\n${text.trimEnd()}\n\`\`\``);
    });
  }
});
