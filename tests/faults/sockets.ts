import { readFile } from "node:fs/promises";

/**
 * Connections to a local port that some process still holds open, whatever became of them on the other side. (A connection that its
 * process closed has no inode any more, while the system still says goodbye.)
 */
export async function heldConnections(port: number): Promise<number> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n").slice(1);
  return lines.filter((line) => {
    const [, , remote = "", , , , , , , inode = "0"] = line.trim().split(/\s+/);
    return remote.endsWith(wanted) && inode !== "0";
  }).length;
}
