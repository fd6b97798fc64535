import * as v from "valibot";
import { type Draft, fields, flag, pattern, stamps, text } from "./fields.ts";
import { list, rule, ruled } from "./schema-tools.ts";

/** How to reach a manager of secrets: HashiCorp Vault, AWS Secrets Manager, Google Secret Manager. Facts: `apisix/secret/*.lua`. */
export type Secret = VaultSecret | AwsSecret | GcpSecret;

interface Stamped {
  /** `<manager>/<id>`, as in `vault/1`. */
  readonly id: string;
  readonly create_time?: number;
  readonly update_time?: number;
}

export interface VaultSecret extends Stamped {
  readonly manager: "vault";
  readonly uri: string;
  /** Path in front of every name, as in `kv/apisix`. */
  readonly prefix: string;
  readonly token: string;
  readonly namespace?: string;
}

export interface AwsSecret extends Stamped {
  readonly manager: "aws";
  readonly access_key_id: string;
  readonly secret_access_key: string;
  readonly session_token?: string;
  /** Default: `us-east-1`. */
  readonly region: string;
  readonly endpoint_url?: string;
}

export interface GcpSecret extends Stamped {
  readonly manager: "gcp";
  readonly auth_config?: GcpAccount;
  /** Path of a file with the same, as Google gives it. */
  readonly auth_file?: string;
  /** Default: true. Certificates are verified in either case. */
  readonly ssl_verify: boolean;
}

/** A service account of Google Cloud. */
export interface GcpAccount {
  readonly client_email: string;
  /** RSA, in PEM (PKCS #8). */
  readonly private_key: string;
  readonly project_id: string;
  /** Where tokens come from. Default: {@link GCP_DEFAULTS}. */
  readonly token_uri?: string;
  readonly entries_uri?: string;
  readonly scope?: readonly string[];
}

/** What an account need not say (`apisix/secret/gcp.lua`). */
export const GCP_DEFAULTS = {
  token_uri: "https://oauth2.googleapis.com/token",
  entries_uri: "https://secretmanager.googleapis.com/v1",
  scope: ["https://www.googleapis.com/auth/cloud-platform"],
} as const;

/** APISIX stores the id with its manager in front (`vault/1`); written by hand it may lack it. */
const secretStamps = {
  ...stamps,
  id: v.exactOptional(
    pattern(
      /^(?:(?:vault|aws|gcp)\/)?[a-zA-Z0-9._-]{1,64}$/,
      "an id, perhaps with its manager in front, as in vault/1",
    ),
  ),
};

type SecretDraft<T> = Omit<Draft<T>, "manager">;

const uri = pattern(/^[^/]+:\/\/(?:[\da-zA-Z._-]+|\[[\da-fA-F:]+\])(?::\d+)?/, "a URI", 4096);

const vault: v.GenericSchema<unknown, SecretDraft<VaultSecret>> = fields({
  ...secretStamps,
  uri,
  prefix: text(),
  token: text(),
  namespace: v.exactOptional(text()),
});

const aws: v.GenericSchema<unknown, SecretDraft<AwsSecret>> = fields({
  ...secretStamps,
  access_key_id: text(),
  secret_access_key: text(),
  session_token: v.exactOptional(text()),
  region: v.exactOptional(text(), "us-east-1"),
  endpoint_url: v.exactOptional(uri),
});

const storedGcp = fields({
  ...secretStamps,
  auth_config: v.exactOptional(fields({
    client_email: text(),
    private_key: text(),
    project_id: text(),
    token_uri: v.exactOptional(uri),
    entries_uri: v.exactOptional(uri),
    scope: v.exactOptional(list(text())),
  })),
  auth_file: v.exactOptional(text()),
  ssl_verify: v.exactOptional(flag, true),
});

type StoredGcp = v.InferOutput<typeof storedGcp>;

const gcp: v.GenericSchema<unknown, SecretDraft<GcpSecret>> = ruled(
  storedGcp,
  rule<StoredGcp>(
    ({ auth_config, auth_file }) =>
      (auth_config === undefined) === (auth_file === undefined)
        ? `must have exactly one of auth_config and auth_file: has ${auth_config === undefined ? "neither" : "both"}`
        : undefined,
    { oneOf: [{ required: ["auth_config"] }, { required: ["auth_file"] }] },
  ),
);

/** By manager, the first part of the id. */
export const secretSchemas: {
  readonly vault: v.GenericSchema<unknown, SecretDraft<VaultSecret>>;
  readonly aws: v.GenericSchema<unknown, SecretDraft<AwsSecret>>;
  readonly gcp: v.GenericSchema<unknown, SecretDraft<GcpSecret>>;
} = { vault, aws, gcp };
