import { readFile } from "node:fs/promises";
import { getLogger } from "@logtape/logtape";
import type { Ssl } from "../config/ssl.ts";
import type { TlsCertificates } from "../runtimes/tls/certificates.ts";
import { fileStamp, watchFile } from "../sources/file-watch.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

const log = getLogger(["gatewatch", "tls"]);

/** The certificate from files, as of now. */
export interface FileCertificate {
  current(): Ssl;
  /** Stops looking at the files. */
  close(): void;
}

/**
 * Reads the certificate that `--tls-cert` and `--tls-key` name, and reads it again whenever one of the files has changed. While the two do not fit one
 * another, as between the writing of the one and of the other, the last good pair is served.
 *
 * @returns Undefined where the settings name none.
 * @throws UsageError where a file cannot be read, or the two are no certificate and its key.
 */
export async function openFileCertificate(
  { tlsCert, tlsKey }: Pick<Settings, "tlsCert" | "tlsKey">,
  certificates: TlsCertificates,
): Promise<FileCertificate | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const stamps = async () => `${await fileStamp(tlsCert)} ${await fileStamp(tlsKey)}`;
  let seen = await stamps();
  const first = await load(tlsCert, tlsKey, certificates);
  if (typeof first === "string") throw new UsageError([first]);
  tellWarnings(first, certificates);
  let current = first;
  /** What was wrong with what is in the files at the last look. */
  let failure: string | undefined;
  let told = false, looking = false;
  const look = async (): Promise<void> => {
    const now = await stamps();
    if (now === seen) {
      // Still there a second later: not between two writes.
      if (failure !== undefined && !told) log.error("{failure}; the last good one goes on serving", { failure });
      told = failure !== undefined;
      return;
    }
    seen = now;
    told = false;
    const loaded = await load(tlsCert, tlsKey, certificates);
    failure = typeof loaded === "string" ? loaded : undefined;
    if (typeof loaded === "string") return;
    current = loaded;
    log.info("The certificate in {tlsCert} is in effect", { tlsCert });
    tellWarnings(loaded, certificates);
  };
  const lookOnce = (): void => {
    if (looking) return;
    looking = true;
    void look().finally(() => looking = false);
  };
  const closes = [watchFile(tlsCert, lookOnce), watchFile(tlsKey, lookOnce)];
  return {
    current: () => current,
    close() {
      for (const close of closes) close();
    },
  };
}

/** @returns A message where it cannot be used. */
async function load(tlsCert: string, tlsKey: string, certificates: TlsCertificates): Promise<Ssl | string> {
  const read = async (flag: string, path: string): Promise<string> => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw new Error(
        `${flag}: Cannot read ${path}: ${code === "ENOENT" ? "there is no such file" : code ?? "it failed"}`,
      );
    }
  };
  let cert: string, key: string;
  try {
    [cert, key] = await Promise.all([read("--tls-cert", tlsCert), read("--tls-key", tlsKey)]);
  } catch (error) {
    return (error as Error).message;
  }
  const ssl: Ssl = { id: "fallback", type: "server", cert, key, status: 1 };
  // A key that does not even look like one is passed over where it could be encrypted at rest; here it cannot be.
  if (!key.trimStart().startsWith("-----BEGIN ")) {
    return `--tls-key: Cannot use ${tlsKey}: it holds no private key in PEM`;
  }
  const [issue] = certificates.inspect(ssl);
  if (issue === undefined) return ssl;
  const [flag, path] = issue.path === "key" ? ["--tls-key", tlsKey] : ["--tls-cert", tlsCert];
  return `${flag}: Cannot use ${path}: it ${issue.message.replace("'cert'", tlsCert)}`;
}

function tellWarnings(ssl: Ssl, certificates: TlsCertificates): void {
  for (const { message } of certificates.warnings(ssl, Date.now())) {
    log.warn("--tls-cert: The certificate {message}", { message });
  }
}
