/** Whether a host (an address without or with brackets, or a name) can only be this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" ||
    /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(name);
}
