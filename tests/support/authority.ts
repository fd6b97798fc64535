import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is to be like. */
export interface IssueOptions {
  /** Default: an elliptic curve's. */
  readonly key?: "rsa" | "ec";
  /** Days from now that it is valid for; -1 for one that has expired. Default: 1. */
  readonly days?: number;
}

/** A certificate authority of the test's own. */
export interface Authority {
  /** PEM of the authority's certificate. */
  readonly ca: string;
  /** @param names As in `DNS:node.test,IP:127.0.0.1`. */
  issue(names: string, options?: IssueOptions): Certificate;
  /** An authority below this one, whose certificates come with its own. */
  below(): Authority;
}

/** Makes an authority with the `openssl` command; its files are gone when this returns. */
export function createAuthority(): Authority {
  const ca = inDirectory((directory) => {
    openssl(directory, [
      "req",
      "-x509",
      ...NEW_KEY,
      "-keyout",
      "k",
      "-out",
      "c",
      "-days",
      "2",
      "-subj",
      "/CN=Test authority",
    ]);
    return read(directory);
  });
  return authorityOf(ca, "");
}

let serial = 1;

/** @param chain What certificates of it come with. */
function authorityOf(own: Certificate, chain: string): Authority {
  const sign = (names: string, extensions: string, { key = "ec", days = 1 }: IssueOptions = {}): Certificate =>
    inDirectory((directory) => {
      writeFileSync(join(directory, "ca.c"), own.cert);
      writeFileSync(join(directory, "ca.k"), own.key);
      writeFileSync(join(directory, "ext"), extensions);
      const newKey = key === "rsa" ? ["-newkey", "rsa:2048", "-nodes"] : NEW_KEY;
      openssl(directory, ["req", ...newKey, "-keyout", "k", "-out", "r", "-subj", `/CN=${names}`]);
      const signing = ["-CA", "ca.c", "-CAkey", "ca.k", "-set_serial", String(++serial), "-days", String(days)];
      openssl(directory, ["x509", "-req", "-in", "r", "-out", "c", ...signing, "-extfile", "ext"]);
      return read(directory);
    });
  return {
    ca: own.cert,
    issue(names, options) {
      const extensions = `subjectAltName=${names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n`;
      const { cert, key } = sign("leaf", extensions, options);
      return { cert: cert + chain, key };
    },
    below() {
      const below = sign(`below ${serial}`, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
      return authorityOf(below, below.cert + chain);
    },
  };
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function inDirectory<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "authority-"));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function openssl(directory: string, args: readonly string[]): void {
  execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
}

function read(directory: string): Certificate {
  return { cert: readFileSync(join(directory, "c"), "utf8"), key: readFileSync(join(directory, "k"), "utf8") };
}
