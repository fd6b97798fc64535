import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate and its key, as files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** An authority that keeps its files in `folder`, as etcd wants files. */
export interface FileAuthority {
  readonly ca: string;
  /**
   * @param names As in `DNS:localhost,IP:127.0.0.1`.
   * @param expired Valid only in the past.
   */
  issue(name: string, names: string, expired?: boolean): CertificateFiles;
}

export function createFileAuthority(folder: string, name: string): FileAuthority {
  const file = (suffix: string) => join(folder, suffix);
  const openssl = (...parameters: string[]) => execFileSync("openssl", parameters, { stdio: "pipe", cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const [ca, caKey] = [file(`${name}.pem`), file(`${name}.key`)];
  openssl("req", "-x509", ...newKey, "-keyout", caKey, "-out", ca, "-days", "2", "-subj", `/CN=${name}`);
  writeFileSync(file(`${name}.index`), "");
  writeFileSync(file(`${name}.serial`), "1000");
  writeFileSync(
    file(`${name}.conf`),
    [
      "[ca]",
      "default_ca=one",
      "[one]",
      `database=${file(`${name}.index`)}`,
      `serial=${file(`${name}.serial`)}`,
      `new_certs_dir=${folder}`,
      "default_md=sha256",
      "policy=any",
      "unique_subject=no",
      "[any]",
      "commonName=supplied",
    ].join("\n"),
  );
  return {
    ca,
    issue(leaf, names, expired = false) {
      const [cert, key, request, extensions] = ["pem", "key", "csr", "ext"].map((end) => file(`${leaf}.${end}`));
      if (!cert || !key || !request || !extensions) throw new Error("unreachable");
      writeFileSync(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      openssl("req", ...newKey, "-keyout", key, "-out", request, "-subj", `/CN=${leaf}`);
      const dates = expired ? ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"] : ["-days", "1"];
      openssl(
        ...["ca", "-batch", "-config", file(`${name}.conf`), "-cert", ca, "-keyfile", caKey, "-in", request],
        ...["-out", cert, "-notext", "-extfile", extensions, ...dates],
      );
      return { cert, key };
    },
  };
}

export const pem = (path: string): string => readFileSync(path, "utf8");
