import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of the test's own. */
export interface Authority {
  /** PEM of the authority's certificate. */
  readonly ca: string;
  /** @param names As in `DNS:node.test,IP:127.0.0.1`. */
  issue(names: string): Certificate;
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
  let serial = 1;
  return {
    ca: ca.cert,
    issue: (names) =>
      inDirectory((directory) => {
        writeFileSync(join(directory, "ca.c"), ca.cert);
        writeFileSync(join(directory, "ca.k"), ca.key);
        writeFileSync(
          join(directory, "ext"),
          `subjectAltName=${names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n`,
        );
        openssl(directory, ["req", ...NEW_KEY, "-keyout", "k", "-out", "r", "-subj", "/CN=leaf"]);
        const signing = [
          "-CA",
          "ca.c",
          "-CAkey",
          "ca.k",
          "-set_serial",
          String(++serial),
          "-days",
          "1",
          "-extfile",
          "ext",
        ];
        openssl(directory, ["x509", "-req", "-in", "r", "-out", "c", ...signing]);
        return read(directory);
      }),
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
