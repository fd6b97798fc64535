/** Who was authenticated. */
export interface ConsumerFacts {
  readonly username: string;
  readonly groupId?: string;
  readonly credentialId?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A consumer that can be authenticated by one way: its own plugin's configuration, or one credential's. */
export interface ConsumerIdentity {
  readonly facts: ConsumerFacts;
  /** What the consumer or credential says of the authentication plugin, as its `consumerSchema` left it. */
  readonly config: unknown;
}

/** The consumers that one authentication plugin can find, indexed when the configuration changed. */
export interface ConsumerDirectory {
  /** By what the plugin's `consumerKey` made of their configuration. O(1). */
  find(key: string): ConsumerIdentity | undefined;
  /** By username, whatever their credentials: for `anonymous_consumer`. */
  named(username: string): ConsumerIdentity | undefined;
}
