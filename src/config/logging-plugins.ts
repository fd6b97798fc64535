/** Plugins of Apache APISIX that only report on requests: leaving one out changes nothing that a client can see. */
const LOGGING_ONLY: ReadonlySet<string> = new Set([
  "clickhouse-logger",
  "datadog",
  "elasticsearch-logger",
  "error-log-logger",
  "file-logger",
  "google-cloud-logging",
  "http-logger",
  "kafka-logger",
  "log-rotate",
  "loggly",
  "loki-logger",
  "node-status",
  "opentelemetry",
  "prometheus",
  "rocketmq-logger",
  "server-info",
  "skywalking",
  "skywalking-logger",
  "sls-logger",
  "splunk-hec-logging",
  "syslog",
  "tcp-logger",
  "tencent-cloud-cls",
  "udp-logger",
  "zipkin",
]);

/** Whether a plugin only writes logs, metrics or traces, so that a gateway without it may serve the resource all the same. */
export function isLoggingOnly(name: string): boolean {
  return LOGGING_ONLY.has(name);
}
