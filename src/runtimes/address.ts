/** An IPv4 client of a socket bound to `::` arrives as `::ffff:a.b.c.d`. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
